import path from 'node:path';
import type { AgentDefinition } from '../../runtime/sandboxes/agent-definition.ts';
import { agentDefaults } from '../../runtime/sandboxes/agent-definition.ts';
import { probeConfinement } from '../../runtime/sandboxes/confinement.ts';
import { type PoolOptions, SandboxPool } from '../../runtime/sandboxes/pool.ts';
import { createLogger } from '../../runtime/shared/log.ts';
import { readProcessTable } from '../../runtime/shared/process/process-table.ts';
import type { ChatChunk, TurnDone, TurnEvent } from '../../runtime/shared/sandbox-protocol.ts';

export const scriptedAgentFile = path.join(import.meta.dirname, 'programs/scripted-agent.mjs');

/** The agent that obeys; see programs/scripted-agent.mjs. */
export function scriptedAgent(args: readonly string[] = [], changes: Partial<AgentDefinition> = {}): AgentDefinition {
  return {
    name: 'scripted',
    program: { kind: 'command', argv: [process.execPath, scriptedAgentFile, ...args] },
    env: {},
    cwd: path.dirname(scriptedAgentFile),
    memoryMb: null,
    startTimeoutMs: 10_000,
    turnTimeoutMs: 10_000,
    maxTurnBytes: agentDefaults.maxTurnBytes,
    maxLineBytes: agentDefaults.maxLineBytes,
    warm: undefined,
    ...changes,
  };
}

/** A pool of real sandboxes in this process; disposal ends them. */
export class StartedPool implements AsyncDisposable {
  readonly pool: SandboxPool;
  readonly logged: Record<string, unknown>[] = [];
  /** Children of this process that are none of the pool's: other test files share it. */
  readonly #strangers = new Set(ownChildren());

  static async start(options: Partial<PoolOptions> = {}): Promise<StartedPool> {
    return new StartedPool({ confinement: await probeConfinement(), ...options });
  }

  private constructor(options: Partial<PoolOptions> & Pick<PoolOptions, 'confinement'>) {
    const write = (line: string) => void this.logged.push(JSON.parse(line) as Record<string, unknown>);
    this.pool = new SandboxPool({
      agents: [scriptedAgent()],
      maxSandboxes: 4,
      warm: 0,
      memoryMb: null,
      idleMs: 3_600_000,
      engineUrl: () => 'http://127.0.0.1:1',
      environment: process.env,
      log: createLogger({ service: 'test', write }),
      graceMs: 2_000,
      ...options,
    });
  }

  /** A session with a sandbox; says something in it. */
  async session(sessionId = 's', agent = 'scripted') {
    await this.pool.create({ sessionId, agent });
    let turns = 0;
    return {
      open: (content: string, signal?: AbortSignal) =>
        this.pool.openTurn(sessionId, { turnId: `${sessionId}-${++turns}`, content }, signal),
      say: async (content: string) =>
        await readTurn(await this.pool.openTurn(sessionId, { turnId: `${sessionId}-${++turns}`, content })),
    };
  }

  /** Process ids of the sandbox that the session has got. */
  pidOf(sessionId: string): number {
    const given = this.logged.findLast(
      (entry) => entry['msg'] === 'sandbox given to a session' && entry['sessionId'] === sessionId,
    );
    return given!['pid'] as number;
  }

  /** Process ids of all sandboxes. */
  pids(): number[] {
    return ownChildren().filter((pid) => !this.#strangers.has(pid));
  }

  /** Process ids of the sandboxes that wait for a session, or start in order to. */
  waiting(): number[] {
    const given = this.logged
      .filter((entry) => entry['msg'] === 'sandbox given to a session')
      .map((entry) => entry['pid']);
    return this.pids().filter((pid) => !given.includes(pid));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pool.close();
  }
}

/** Reads a turn to its end. @throws what it fails with */
export async function readTurn(
  events: AsyncIterable<TurnEvent>,
): Promise<{ text: string; done: TurnDone; events: TurnEvent[] }> {
  const all: TurnEvent[] = [];
  for await (const event of events) all.push(event);
  const done = all.at(-1) as TurnDone;
  const text = all.map((event) => (isChunk(event) ? (event.choices[0]?.delta.content ?? '') : '')).join('');
  return { text, done, events: all };
}

function isChunk(event: TurnEvent): event is ChatChunk {
  return event.object === 'chat.completion.chunk';
}

/** Processes that this one started and that still run. */
function ownChildren(): number[] {
  return readProcessTable()
    .filter(({ parentPid }) => parentPid === process.pid)
    .map(({ pid }) => pid);
}
