import { backoffMs } from '../shared/backoff.ts';
import { describeError } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import { restartBackoffSeconds } from '../shared/process/restart-policy.ts';
import type { PoolStatistics, SandboxSpec, SandboxView, TurnEvent, TurnRequest } from '../shared/sandbox-protocol.ts';
import type { AgentDefinition } from './agent-definition.ts';
import type { Confinement } from './confinement.ts';
import { type Death, fail } from './errors.ts';
import { planLaunch } from './launch.ts';
import { ResourceWatch } from './resource-watch.ts';
import { Sandbox } from './sandbox.ts';
import { planWarm } from './warm-plan.ts';

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
  readonly confinement: Confinement;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: Logger;
  /** Lists processes for whoever cleans up after a host that was killed. */
  readonly registry?: { add(name: string, pid: number): void; remove(pid: number): void };
  /** @default 5000 */
  readonly graceMs?: number;
}

const idleLookMs = 1_000;
const hostEnding: Death = { code: 'SANDBOX_DIED', reason: 'the host of sandboxes ends' };

/** All sandboxes of one host: those of sessions, by the session's id, and a few that wait, started, for one. */
export class SandboxPool {
  readonly #options: PoolOptions;
  readonly #agents: ReadonlyMap<string, AgentDefinition>;
  /** A promise while the sandbox is starting. */
  readonly #sessions = new Map<string, { sandbox: Sandbox | undefined; readonly ready: Promise<Sandbox> }>();
  /** Waiting or starting to wait. */
  readonly #warm = new Set<Sandbox>();
  readonly #idle: Sandbox[] = [];
  /** Every process, whatever it does. */
  readonly #all = new Set<Sandbox>();
  #watch: ResourceWatch | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  #retryTimer: NodeJS.Timeout | undefined;
  #warmFailures = 0;
  #isWarming = false;
  #isClosed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#agents = new Map(options.agents.map((agent) => [agent.name, agent]));
    this.#watch = new ResourceWatch(() => this.#all);
    this.#idleTimer = setInterval(() => this.#endIdle(), Math.min(idleLookMs, options.idleMs)).unref();
  }

  /** Begins to keep sandboxes warm. */
  startWarming(): void {
    this.#isWarming = true;
    this.#refill();
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
    this.#refill();
    try {
      entry.sandbox = await ready;
      void entry.sandbox.ended.then((death) => this.#forget(spec.sessionId, entry.sandbox!, death));
      return { view: entry.sandbox.view, isNew: true };
    } catch (error) {
      this.#sessions.delete(spec.sessionId);
      this.#refill();
      throw error;
    }
  }

  get(sessionId: string): SandboxView | undefined {
    return this.#sessions.get(sessionId)?.sandbox?.view;
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
    await sandbox.end('its session gave it up');
    // The listener of `ended` may come later than this call returns.
    if (this.#sessions.get(sessionId)?.sandbox === sandbox) this.#sessions.delete(sessionId);
    this.#refill();
  }

  get statistics(): PoolStatistics {
    return {
      activeCount: this.#sessions.size,
      warmingCount: this.#warm.size,
      maxSandboxes: this.#options.maxSandboxes,
    };
  }

  /** Turns that are being answered. */
  get busyTurns(): number {
    return [...this.#sessions.values()].filter(({ sandbox }) => sandbox?.isBusy).length;
  }

  /** Takes no new sandboxes and no new turns; what runs goes on. */
  refuseWork(): void {
    this.#isClosed = true;
    this.#refill();
  }

  /** Ends every sandbox. */
  async close(): Promise<void> {
    this.refuseWork();
    clearInterval(this.#idleTimer);
    await Promise.all([...this.#all].map((sandbox) => sandbox.end('its host ends')));
    this.#watch?.stop();
  }

  /** For the moment of exiting: kills everything, synchronously. */
  kill(): void {
    this.#isClosed = true;
    for (const sandbox of this.#all) sandbox.kill(hostEnding);
  }

  async #obtain(agent: AgentDefinition, spec: SandboxSpec): Promise<Sandbox> {
    const index = this.#idle.findIndex((sandbox) => sandbox.agent === agent);
    const waiting = index === -1 ? undefined : this.#idle.splice(index, 1)[0]!;
    if (waiting) this.#warm.delete(waiting);
    const sandbox = waiting ?? this.#start(agent, spec.sessionId);
    if (!waiting) await sandbox.whenReady();
    sandbox.assign(spec, this.#options.engineUrl());
    this.#options.log.info('sandbox given to a session', {
      sessionId: spec.sessionId,
      agent: agent.name,
      pid: sandbox.pid,
      isWarm: waiting !== undefined,
    });
    return sandbox;
  }

  #start(agent: AgentDefinition, sessionId: string | undefined): Sandbox {
    const { confinement, environment, engineUrl, log, registry, graceMs = 5_000 } = this.#options;
    const memoryMb = agent.memoryMb === undefined ? this.#options.memoryMb : agent.memoryMb;
    const launch = planLaunch({ agent, memoryMb, confinement, engineUrl: engineUrl(), sessionId, environment });
    const hasMemoryGroup = memoryMb !== null && confinement.systemdScope !== undefined;
    const sandbox = new Sandbox({ agent, launch, hasMemoryGroup, memoryMb, graceMs, log });
    this.#all.add(sandbox);
    const { pid } = sandbox;
    if (pid !== undefined) registry?.add('sandbox', pid);
    void sandbox.ended.then(() => {
      this.#all.delete(sandbox);
      if (pid !== undefined) registry?.remove(pid);
    });
    return sandbox;
  }

  #forget(sessionId: string, sandbox: Sandbox, death: Death): void {
    const isWanted = this.#sessions.get(sessionId)?.sandbox === sandbox;
    if (isWanted) this.#sessions.delete(sessionId);
    const fields = { sessionId, agent: sandbox.agent.name, pid: sandbox.pid, ...death };
    this.#options.log.info('sandbox ended', fields);
    if (sandbox.stderrTail !== '' && isWanted) {
      this.#options.log.warn('agent wrote to stderr before its end', { ...fields, detail: sandbox.stderrTail });
    }
    this.#refill();
  }

  /** Brings the waiting sandboxes to their number: at most one start at a time, so that nobody else waits for it. */
  #refill(): void {
    const plan = this.#warmPlan();
    for (const [name, count] of plan) {
      const present = [...this.#warm].filter((sandbox) => sandbox.agent.name === name);
      const waiting = this.#idle.filter((sandbox) => sandbox.agent.name === name);
      for (const surplus of waiting.slice(0, Math.max(0, present.length - count))) {
        this.#dropWarm(surplus);
        void surplus.end('nobody waits for it');
      }
      const isStarting = this.#warm.size > this.#idle.length;
      if (present.length < count && !isStarting && this.#retryTimer === undefined) {
        void this.#startWarm(this.#agents.get(name)!);
      }
    }
  }

  #warmPlan(): Map<string, number> {
    const { agents, warm, maxSandboxes } = this.#options;
    const isOn = this.#isWarming && !this.#isClosed;
    const wanted = agents.map((agent, index) => {
      const count = agent.warm ?? (index === 0 ? warm : 0);
      return [agent.name, isOn ? count : 0] as const;
    });
    return planWarm({ maxSandboxes, active: this.#sessions.size, wanted: new Map(wanted) });
  }

  async #startWarm(agent: AgentDefinition): Promise<void> {
    const sandbox = this.#start(agent, undefined);
    this.#warm.add(sandbox);
    try {
      await sandbox.whenReady();
      this.#idle.push(sandbox);
      this.#warmFailures = 0;
      void sandbox.ended.then(() => {
        this.#dropWarm(sandbox);
        this.#refill();
      });
    } catch (error) {
      this.#warm.delete(sandbox);
      this.#warmFailures++;
      const waitMs = backoffMs(restartBackoffSeconds, this.#warmFailures);
      this.#options.log.warn('warming a sandbox failed', { agent: agent.name, waitMs, detail: describeError(error) });
      this.#retryTimer = setTimeout(() => {
        this.#retryTimer = undefined;
        this.#refill();
      }, waitMs).unref();
    }
    this.#refill();
  }

  #dropWarm(sandbox: Sandbox): void {
    this.#warm.delete(sandbox);
    const index = this.#idle.indexOf(sandbox);
    if (index !== -1) this.#idle.splice(index, 1);
  }

  #endIdle(): void {
    for (const { sandbox } of this.#sessions.values()) {
      if (sandbox && sandbox.idleMs > this.#options.idleMs) void sandbox.end('it had no turn for long');
    }
  }
}
