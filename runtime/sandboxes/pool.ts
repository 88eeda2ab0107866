import { describeError } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import { killTrees } from '../shared/process/process-tree.ts';
import type { PoolStatistics, SandboxSpec, SandboxView, TurnEvent, TurnRequest } from '../shared/sandbox-protocol.ts';
import type { AgentDefinition } from './agent-definition.ts';
import { SandboxCgroup } from './cgroups/sandbox-cgroup.ts';
import type { Confinement } from './confinement.ts';
import { type Death, fail } from './errors.ts';
import { planLaunch } from './launch.ts';
import { noteFamilies, ResourceWatch } from './resource-watch.ts';
import { Sandbox } from './sandbox.ts';
import { planWarm } from './warm-plan.ts';
import { WarmSandboxes } from './warm-sandboxes.ts';

export interface PoolOptions {
  /** The first one is warmed unless its definition says otherwise. */
  readonly agents: readonly AgentDefinition[];
  readonly maxSandboxes: number;
  /** Sandboxes of the first agent to keep started and waiting. */
  readonly warm: number;
  /** MiB for agents that do not say; null for no limit. */
  readonly memoryMb: number | null;
  /** A sandbox without a turn for this long is ended. Its session goes on in a new one. */
  readonly idleMs: number;
  /** Where agents reach the engine, without `/v1`; asked for at each start. */
  readonly engineUrl: () => string;
  /** Bearer token for it. @default - it wants none */
  readonly engineKey?: string;
  readonly confinement: Confinement;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: Logger;
  /** Lists processes for whoever cleans up after a host that was killed. */
  readonly registry?: { add(name: string, pid: number): void; remove(pid: number): void };
  /** @default 5000 */
  readonly graceMs?: number;
}

const idleLookMs = 1_000;

/** All sandboxes of one host: those of sessions, by the session's id, and a few that wait, started, for one. */
export class SandboxPool {
  readonly #options: PoolOptions;
  readonly #agents: ReadonlyMap<string, AgentDefinition>;
  /** A promise while the sandbox is starting. */
  readonly #sessions = new Map<string, { sandbox: Sandbox | undefined; readonly ready: Promise<Sandbox> }>();
  readonly #warm: WarmSandboxes;
  /** Every process, whatever it does. */
  readonly #all = new Set<Sandbox>();
  readonly #watch: ResourceWatch;
  readonly #idleTimer: NodeJS.Timeout;
  #isWarming = false;
  #isClosed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#agents = new Map(options.agents.map((agent) => [agent.name, agent]));
    const plan = () => this.#warmPlan();
    this.#warm = new WarmSandboxes({ plan, start: (agent) => this.#start(agent, undefined), log: options.log });
    this.#watch = new ResourceWatch(() => this.#all);
    this.#idleTimer = setInterval(() => this.#endIdle(), Math.min(idleLookMs, options.idleMs)).unref();
  }

  /** Begins to keep sandboxes warm. */
  startWarming(): void {
    this.#isWarming = true;
    this.#warm.adjust();
  }

  /**
   * Gives the session a sandbox, or the one that it has. One whose conversation is not the restored one is replaced:
   * a turn of it was lost on the way to the store.
   * @throws UNKNOWN_AGENT, NO_CAPACITY, RUNNER_DRAINING, and what a sandbox dies of
   */
  async create(spec: SandboxSpec): Promise<{ view: SandboxView; isNew: boolean }> {
    const present = this.#sessions.get(spec.sessionId);
    if (present) {
      const sandbox = await present.ready;
      const isSame =
        sandbox.agent.name === spec.agent && sandbox.knownMessages === (spec.restore?.messages.length ?? 0);
      if (isSame) return { view: sandbox.view, isNew: false };
      await this.destroy(spec.sessionId);
      return await this.create(spec);
    }
    if (this.#isClosed) throw fail('RUNNER_DRAINING', {}, { retryAfterSeconds: 1 });
    const agent = this.#agents.get(spec.agent);
    if (!agent) throw fail('UNKNOWN_AGENT', { agent: spec.agent, known: [...this.#agents.keys()].join(', ') });
    const { maxSandboxes } = this.#options;
    if (this.#sessions.size >= maxSandboxes) throw fail('NO_CAPACITY', { maxSandboxes }, { retryAfterSeconds: 5 });

    const ready = this.#obtain(agent, spec);
    const entry = { sandbox: undefined as Sandbox | undefined, ready };
    this.#sessions.set(spec.sessionId, entry);
    this.#warm.adjust();
    try {
      entry.sandbox = await ready;
      void entry.sandbox.ended.then((death) => this.#forget(spec.sessionId, entry.sandbox!, death));
      return { view: entry.sandbox.view, isNew: true };
    } catch (error) {
      this.#sessions.delete(spec.sessionId);
      this.#warm.adjust();
      throw error;
    }
  }

  get(sessionId: string): SandboxView | undefined {
    return this.#sessions.get(sessionId)?.sandbox?.view;
  }

  /** All that have a session, but for those that are starting. */
  list(): SandboxView[] {
    return [...this.#sessions.values()].flatMap(({ sandbox }) => sandbox?.view ?? []);
  }

  /**
   * Begins a turn. Its events come as the agent makes them, TurnDone last; the iteration rejects when it fails.
   * @param signal cancels the turn
   * @throws UNKNOWN_SANDBOX, SANDBOX_BUSY, RUNNER_DRAINING
   */
  async openTurn(sessionId: string, turn: TurnRequest, signal?: AbortSignal): Promise<AsyncIterable<TurnEvent>> {
    if (this.#isClosed) throw fail('RUNNER_DRAINING', {}, { retryAfterSeconds: 1 });
    const sandbox = this.#sessions.get(sessionId)?.sandbox;
    if (!sandbox) throw fail('UNKNOWN_SANDBOX', { sessionId });
    return await sandbox.openTurn(turn, signal);
  }

  /** Ends the session's sandbox; resolves when it is gone, also when there was none. */
  async destroy(sessionId: string): Promise<void> {
    const entry = this.#sessions.get(sessionId);
    if (!entry) return;
    const sandbox = await entry.ready.catch(() => undefined);
    if (!sandbox) return;
    await this.#endSession(sessionId, sandbox, 'its session gave it up');
  }

  get statistics(): PoolStatistics {
    return {
      activeCount: this.#sessions.size,
      warmingCount: this.#warm.count,
      maxSandboxes: this.#options.maxSandboxes,
    };
  }

  /** Turns that are being answered. */
  get busyTurns(): number {
    return [...this.#sessions.values()].filter(({ sandbox }) => sandbox?.isBusy).length;
  }

  /** Age of the turn that is being answered for longest, in ms; 0 when none is. */
  get oldestTurnMs(): number {
    return Math.max(0, ...[...this.#sessions.values()].map(({ sandbox }) => sandbox?.turnMs ?? 0));
  }

  /** Takes no new sandboxes and no new turns; what runs goes on. */
  refuseWork(): void {
    this.#isClosed = true;
    this.#warm.adjust();
  }

  /** Ends every sandbox. */
  async close(): Promise<void> {
    this.refuseWork();
    clearInterval(this.#idleTimer);
    noteFamilies([...this.#all]);
    await Promise.all([...this.#all].map((sandbox) => sandbox.end('its host ends')));
    this.#watch.stop();
  }

  /** For the moment of exiting: kills everything, synchronously. */
  kill(): void {
    this.#isClosed = true;
    for (const { cgroup } of this.#all) cgroup?.kill();
    killTrees([...this.#all].flatMap(({ identity }) => identity ?? []));
  }

  async #obtain(agent: AgentDefinition, spec: SandboxSpec): Promise<Sandbox> {
    const waiting = this.#warm.take(agent);
    const sandbox = waiting ?? this.#start(agent, spec.sessionId);
    if (!waiting) await sandbox.whenReady();
    sandbox.assign(spec, this.#options.engineUrl());
    this.#options.log.info('sandbox given to a session', {
      sessionId: spec.sessionId,
      agent: agent.name,
      pid: sandbox.identity?.pid,
      isWarm: waiting !== undefined,
    });
    return sandbox;
  }

  #start(agent: AgentDefinition, sessionId: string | undefined): Sandbox {
    const { confinement, environment, engineUrl, engineKey, log, registry, graceMs = 5_000 } = this.#options;
    const memoryMb = agent.memoryMb === undefined ? this.#options.memoryMb : agent.memoryMb;
    const cgroup = this.#makeCgroup(memoryMb);
    const launch = planLaunch({
      agent,
      memoryMb,
      confinement,
      cgroupEntry: cgroup?.entry,
      engineUrl: engineUrl(),
      engineKey,
      sessionId,
      environment,
    });
    const isGrouped = cgroup !== undefined || confinement.systemdScope !== undefined;
    const hasMemoryGroup = isGrouped && memoryMb !== null;
    const sandbox = new Sandbox({ agent, launch, hasMemoryGroup, cgroup, memoryMb, graceMs, log });
    this.#all.add(sandbox);
    const pid = sandbox.identity?.pid;
    if (pid !== undefined) registry?.add('sandbox', pid);
    void sandbox.ended.then(() => {
      this.#all.delete(sandbox);
      if (pid !== undefined) registry?.remove(pid);
    });
    return sandbox;
  }

  #makeCgroup(memoryMb: number | null): SandboxCgroup | undefined {
    const { confinement, log } = this.#options;
    if (confinement.cgroup === undefined) return undefined;
    try {
      return new SandboxCgroup(confinement.cgroup, memoryMb, log);
    } catch (error) {
      // The look at its memory twice a second holds it as well.
      log.error('no control group for a sandbox', { detail: describeError(error) });
      return undefined;
    }
  }

  #forget(sessionId: string, sandbox: Sandbox, death: Death): void {
    const isWanted = this.#sessions.get(sessionId)?.sandbox === sandbox;
    if (isWanted) this.#sessions.delete(sessionId);
    const fields = { sessionId, agent: sandbox.agent.name, pid: sandbox.identity?.pid, ...death };
    this.#options.log.info('sandbox ended', fields);
    if (sandbox.stderrTail !== '' && isWanted) {
      this.#options.log.warn('agent wrote to stderr before its end', { ...fields, detail: sandbox.stderrTail });
    }
    this.#warm.adjust();
  }

  #warmPlan(): Map<AgentDefinition, number> {
    const { agents, warm, maxSandboxes } = this.#options;
    const isOn = this.#isWarming && !this.#isClosed;
    const wanted = agents.map((agent, index) => {
      const count = agent.warm ?? (index === 0 ? warm : 0);
      return [agent, isOn ? count : 0] as const;
    });
    return planWarm({ maxSandboxes, active: this.#sessions.size, wanted: new Map(wanted) });
  }

  #endIdle(): void {
    for (const [sessionId, { sandbox }] of this.#sessions) {
      if (!sandbox || sandbox.idleMs <= this.#options.idleMs) continue;
      void this.#endSession(sessionId, sandbox, 'it had no turn for long');
    }
  }

  /** The session has no sandbox from now on: a message that comes while the old one ends must not be lost with it. */
  async #endSession(sessionId: string, sandbox: Sandbox, reason: string): Promise<void> {
    if (this.#sessions.get(sessionId)?.sandbox === sandbox) this.#sessions.delete(sessionId);
    this.#warm.adjust();
    noteFamilies([sandbox]);
    await sandbox.end(reason);
  }
}
