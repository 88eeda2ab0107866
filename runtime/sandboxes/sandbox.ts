import type { CodedError } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import type { ProcessIdentity } from '../shared/process/process-table.ts';
import type { SandboxSpec, SandboxView, TurnRequest } from '../shared/sandbox-protocol.ts';
import type { AgentDefinition } from './agent-definition.ts';
import { AgentProcess } from './agent-process.ts';
import { type AgentMessage, BridgeMistake } from './bridge.ts';
import type { SandboxCgroup } from './cgroups/sandbox-cgroup.ts';
import { type Death, fail } from './errors.ts';
import type { Launch } from './launch.ts';
import { Turn } from './turn.ts';

export interface SandboxParts {
  readonly agent: AgentDefinition;
  readonly launch: Launch;
  readonly hasMemoryGroup: boolean;
  readonly cgroup: SandboxCgroup | undefined;
  /** MiB; null for no limit. */
  readonly memoryMb: number | null;
  /** How long an agent may take to stop a cancelled turn, and to end when its stdin closes. */
  readonly graceMs: number;
  readonly log: Logger;
}

/** One agent's process and what it does for a session: at most one turn at a time. */
export class Sandbox {
  readonly agent: AgentDefinition;
  readonly memoryMb: number | null;
  /** Undefined where it has none of its own, or systemd's. */
  readonly cgroup: SandboxCgroup | undefined;
  /** Resolves when it is no more. */
  readonly ended: Promise<Death>;
  readonly #parts: SandboxParts;
  readonly #process: AgentProcess;
  #session: { readonly spec: SandboxSpec; readonly log: Logger } | undefined;
  #turn: Turn | undefined;
  /** While an agent is stopping a turn: the turn's id and what to do when it did. */
  #cancelling: { readonly turnId: string; readonly done: PromiseWithResolvers<void> } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #forgetSignal: (() => void) | undefined;
  #death: Death | undefined;
  #turns = 0;
  #idleSince = performance.now();
  #turnSince = 0;

  constructor(parts: SandboxParts) {
    this.#parts = parts;
    this.agent = parts.agent;
    this.memoryMb = parts.memoryMb;
    this.cgroup = parts.cgroup;
    this.#process = new AgentProcess({ ...parts, onMessage: (message) => this.#receive(message) });
    this.ended = this.#process.ended.then((death) => this.#bury(death));
  }

  /** Undefined when it could not be started. */
  get identity(): ProcessIdentity | undefined {
    return this.#process.identity;
  }

  /** Resolves when its agent may be given a session. @throws CodedError when it ended instead */
  async whenReady(): Promise<void> {
    try {
      await this.#process.whenReady();
    } catch (death) {
      throw this.#coded(death as Death);
    }
  }

  /** Gives the session to the agent; once. */
  assign(spec: SandboxSpec, engineUrl: string): void {
    this.#session = { spec, log: this.#parts.log.child({ sessionId: spec.sessionId, agent: spec.agent }) };
    this.#idleSince = performance.now();
    this.#process.send({
      type: 'init',
      sessionId: spec.sessionId,
      agent: spec.agent,
      model: spec.model ?? null,
      system: spec.system ?? null,
      metadata: spec.metadata ?? {},
      messages: spec.restore?.messages ?? [],
      state: spec.restore?.state ?? null,
      engineUrl,
    });
  }

  get view(): SandboxView {
    const { spec } = this.#session!;
    return { id: spec.sessionId, agent: spec.agent, status: this.isBusy ? 'busy' : 'ready', turns: this.#turns };
  }

  get isBusy(): boolean {
    return this.#turn !== undefined || this.#cancelling !== undefined;
  }

  /** How long its turn has taken so far, in ms; 0 without one. */
  get turnMs(): number {
    return this.#turn ? performance.now() - this.#turnSince : 0;
  }

  /** How long it has had nothing to do, in ms. */
  get idleMs(): number {
    return this.isBusy ? 0 : performance.now() - this.#idleSince;
  }

  /** Messages of the conversation that its agent knows. */
  get knownMessages(): number {
    return (this.#session?.spec.restore?.messages.length ?? 0) + 2 * this.#turns;
  }

  /**
   * Begins a turn; a turn that is just being cancelled is waited for.
   * @param signal cancels the turn
   * @throws SANDBOX_BUSY; what the sandbox died of
   */
  async openTurn(request: TurnRequest, signal: AbortSignal | undefined): Promise<Turn> {
    await this.#cancelling?.done.promise;
    signal?.throwIfAborted();
    if (this.#death) throw this.#coded(this.#death);
    if (this.#turn) {
      throw fail('SANDBOX_BUSY', { sessionId: this.view.id, turnId: this.#turn.turnId }, { retryAfterSeconds: 1 });
    }
    const turn = new Turn(
      request,
      (isFull) => this.#process.setPaused(isFull),
      () => this.#cancel(turn),
    );
    this.#turn = turn;
    this.#turnSince = performance.now();
    const { turnTimeoutMs } = this.agent;
    this.#timer = setTimeout(() => {
      const reason = `it did not finish a turn within ${turnTimeoutMs / 1_000} s`;
      this.#process.kill({ code: 'SANDBOX_TIMEOUT', reason });
    }, turnTimeoutMs);
    const leave = () => this.#cancel(turn);
    signal?.addEventListener('abort', leave, { once: true });
    this.#forgetSignal = () => signal?.removeEventListener('abort', leave);
    this.#process.resetOutput();
    this.#process.send({ type: 'turn', turnId: request.turnId, content: request.content });
    return turn;
  }

  /** Lets the agent end by itself, and kills what is left of it. */
  async end(reason: string): Promise<void> {
    await this.#process.end({ code: 'SANDBOX_DIED', reason }, this.#parts.graceMs);
  }

  /** Kills it at once, with all that it started. */
  kill(death: Death): void {
    this.#process.kill(death);
  }

  /** Notes what belongs to it now, so that it can be found after the agent's end. */
  noteFamily(family: readonly ProcessIdentity[]): void {
    this.#process.noteFamily(family);
  }

  #receive(message: AgentMessage): void {
    if (message.type === 'log') {
      this.#session?.log[message.level]('agent says', { detail: message.message.slice(0, 2_000) });
      return;
    }
    if (message.type === 'ready') throw new BridgeMistake('it said "ready" twice');
    if (message.turnId === this.#cancelling?.turnId) this.#receiveCancelled(message);
    else if (message.turnId !== this.#turn?.turnId) {
      throw new BridgeMistake(`a "${message.type}" line names a turn that is not running`);
    } else this.#receiveAnswer(this.#turn, message);
  }

  #receiveAnswer(turn: Turn, message: Exclude<AgentMessage, { type: 'log' | 'ready' }>): void {
    switch (message.type) {
      case 'chunk':
        if ('delta' in message) turn.addDelta(message.delta);
        else turn.addChunk(message.chunk);
        break;
      case 'done':
        this.#turns++;
        this.#closeTurn();
        turn.finish(message);
        break;
      case 'error':
        this.#closeTurn();
        turn.fail(agentError(this.agent.name, message.code, message.message));
        break;
      case 'cancelled':
        throw new BridgeMistake('it cancelled a turn by itself');
    }
  }

  /** The reader is gone, so what comes counts only as a sign that the agent stopped. */
  #receiveCancelled(message: Exclude<AgentMessage, { type: 'log' | 'ready' }>): void {
    if (message.type === 'chunk') return;
    // It answered before the cancel reached it: it now knows a turn that nobody else does.
    if (message.type === 'done') {
      this.#process.kill({ code: 'SANDBOX_DIED', reason: 'a cancelled turn was finished all the same' });
    } else this.#settleCancel();
  }

  #cancel(turn: Turn): void {
    if (this.#turn !== turn) return;
    this.#closeTurn();
    const { graceMs } = this.#parts;
    this.#cancelling = { turnId: turn.turnId, done: Promise.withResolvers<void>() };
    this.#timer = setTimeout(() => {
      const reason = `it did not stop a cancelled turn within ${graceMs / 1_000} s`;
      this.#process.kill({ code: 'SANDBOX_TIMEOUT', reason });
    }, graceMs);
    turn.fail(fail('TURN_CANCELLED', { turnId: turn.turnId }));
    this.#process.setPaused(false);
    this.#process.send({ type: 'cancel', turnId: turn.turnId });
  }

  #settleCancel(): void {
    clearTimeout(this.#timer);
    const cancelling = this.#cancelling;
    this.#cancelling = undefined;
    this.#idleSince = performance.now();
    cancelling?.done.resolve();
  }

  #closeTurn(): void {
    clearTimeout(this.#timer);
    this.#forgetSignal?.();
    this.#turn = undefined;
    this.#idleSince = performance.now();
  }

  #bury(death: Death): Death {
    const turn = this.#turn;
    this.#death = death;
    this.#closeTurn();
    this.#settleCancel();
    turn?.fail(this.#coded(death));
    return death;
  }

  #coded(death: Death): CodedError {
    return fail(death.code, { agent: this.agent.name, reason: death.reason });
  }

  /** What the agent wrote to stderr last; may hold anything, so it goes to the operator's log alone. */
  get stderrTail(): string {
    return this.#process.stderrTail;
  }
}

/** Agents speak in their own codes; these two are known to routers. */
function agentError(agent: string, code: string | null, reason: string): CodedError {
  const shown = reason.slice(0, 1_000);
  if (code === 'ENGINE_UNAVAILABLE' || code === 'ENGINE_REFUSED') return fail(code, { reason: shown });
  return fail('AGENT_ERROR', { agent, reason: shown });
}
