import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../shared/log.ts';
import type { DrainDeadline } from '../drain.ts';
import { engineStopGraceMs } from '../drain-plan.ts';
import type { Engine } from '../engine/engine.ts';
import type { LoadFeed } from '../load-feed.ts';
import type { Runner } from '../runner.ts';
import type { LifecycleView, RunnerControl, RunnerHealth } from '../server.ts';
import { afterEvent } from './after-event.ts';
import { resumed } from './departure.ts';
import { GroupWord, type HookNames } from './group-word.ts';
import { initialFacts, type LifecycleBudgets, type LifecycleEvent, type LifecycleFacts } from './lifecycle-facts.ts';
import type { LifecycleFile } from './lifecycle-file.ts';
import type { Machine, TargetState } from './machine.ts';
import { Preparation, type PreparationOptions } from './preparation.ts';
import { type Wanted, wantedOf } from './wanted.ts';

export interface LifecycleParts {
  readonly runner: Runner;
  readonly engine: Engine;
  /** Undefined off AWS. */
  readonly machine: Machine | undefined;
  readonly file: LifecycleFile;
  readonly hooks: HookNames;
  readonly prepareCommand: PreparationOptions['command'];
  /** Age of the oldest turn of a session, in ms. */
  readonly oldestTurnMs: () => number;
  /** Longest wait for requests in flight, in ms. */
  readonly drainMs: number;
  readonly timeScale: number;
  readonly log: Logger;
  /** This process has to be followed by a new one. */
  readonly onRestartWanted: () => void;
}

/** What the end takes: leaving the routers' lists, ending sandboxes, telling the group; all within Spot's notice. */
const handOverLeadMs = 10_000;
/** For the group's last answer when the process was told to end. */
const lastAnswerMs = 5_000;
/** For the group's will at a signal: is it the machine that goes, or the daemon alone? */
const targetStateMs = 1_000;

/**
 * The life of a worker, from its boot to its end: hears what the cloud, the engine, the routers and the operator say, and
 * does what `wantedOf` makes of it. Every step is taken whenever it is wanted, so a step that was lost is taken again.
 */
export class Lifecycle implements RunnerControl {
  readonly #parts: LifecycleParts;
  readonly #budgets: LifecycleBudgets;
  readonly #log: Logger;
  readonly #word: GroupWord | undefined;
  readonly #events: LifecycleEvent[] = [];
  readonly #preparation: Preparation;
  #facts: LifecycleFacts;
  #isProtected: boolean;
  #isHandling = false;
  #isResumed = false;
  #isRestartWanted = false;
  #deadline: DrainDeadline = { atMs: 0, isHard: false };
  #draining: Promise<void> | undefined;

  constructor(parts: LifecycleParts) {
    const { machine, file, hooks, drainMs, timeScale, log } = parts;
    this.#parts = parts;
    this.#budgets = { drainMs: drainMs / timeScale, handOverLeadMs: handOverLeadMs / timeScale };
    this.#log = log;
    const { isUnhealthyTold, isProtected } = file.load();
    this.#facts = { ...initialFacts, isUnhealthyTold };
    this.#isProtected = isProtected;
    this.#preparation = new Preparation({
      ...{ command: parts.prepareCommand, log },
      startEngine: () => parts.runner.startEngine(),
      stopEngine: () => parts.engine.stop(engineStopGraceMs),
      onPrepared: (isEngineStopped) => this.handle({ kind: 'prepared', isEngineStopped }),
      onFailed: () => this.handle({ kind: 'preparation-failed' }),
    });
    this.#word =
      machine &&
      new GroupWord({
        ...{ group: machine.group, hooks, isProtected, timeScale, log },
        onLaunchAbandoned: (wasOpen) => this.handle({ kind: 'launch-abandoned', wasOpen }),
        onUnhealthyTold: () => this.handle({ kind: 'unhealthy-told' }),
        onProtection: (isOn) => {
          this.#isProtected = isOn;
          this.#save();
        },
      });
  }

  get loadFeed(): LoadFeed {
    return this.#parts.runner.loadFeed;
  }

  hearRouter(routerUrl: string): void {
    this.#parts.runner.hearRouter(routerUrl);
  }

  /** Begins to serve, to prepare or to leave, as the group's will and an earlier process's drain want it. */
  start(targetState: TargetState | undefined): void {
    const { engine, machine, runner, file } = this.#parts;
    const { departure } = file.load();
    const left = departure && resumed(departure, targetState);
    if (left) {
      this.#log.info('drain resumed', { ...left });
      this.#isResumed = true;
      this.#facts = { ...this.#facts, departure: left, hasServed: true };
    }
    engine.onChange(({ state }) => {
      if (state === 'ready') this.handle({ kind: 'generated' });
    });
    engine.onGivenUp(({ cause }) => this.handle({ kind: 'given-up', newMachineHelps: cause.newMachineHelps }));
    engine.onGpuFailure(({ isFatal }) => {
      if (isFatal) this.handle({ kind: 'gpu-failure' });
    });
    runner.onAnswer(() => this.#seeWork());
    machine?.onNotice((notice) => this.handle(notice));
    this.handle(targetState === undefined ? { kind: 'booted' } : { kind: 'target-state', state: targetState });
    machine?.start();
  }

  /** Changes the facts and acts on them. An event that comes out of an action has its turn after it. */
  handle(event: LifecycleEvent): void {
    this.#events.push(event);
    if (this.#isHandling) return;
    this.#isHandling = true;
    try {
      for (let next = this.#events.shift(); next; next = this.#events.shift()) this.#apply(next);
    } finally {
      this.#isHandling = false;
    }
  }

  beginDrain(): void {
    this.handle({ kind: 'drain-requested' });
  }

  /** The process was told to end: resolves when it may. */
  async leave(): Promise<void> {
    this.handle({ kind: 'signal' });
    await Promise.all([this.#draining, this.#askTargetState()]);
    if (this.#word) {
      const isTold = await Promise.race([
        this.#word.settled().then(() => true),
        delay(lastAnswerMs / this.#parts.timeScale, false, { ref: false }),
      ]);
      if (!isTold) this.#log.warn('group not told; the next start of the daemon tells it, or the hook times out');
    }
    this.#word?.close();
    this.#parts.machine?.close();
    this.#forgetDrain();
  }

  health(): RunnerHealth {
    return { ...this.#parts.runner.health(), status: this.#status, lifecycle: this.#view };
  }

  get #status(): RunnerHealth['status'] {
    const { departure, drain, isPrepared } = this.#facts;
    if (departure) return drain === 'over' ? 'drained' : 'draining';
    if (this.#wanted.service === 'prepare') return isPrepared ? 'prepared' : 'preparing';
    return 'ok';
  }

  get #view(): LifecycleView {
    const { targetState, departure } = this.#facts;
    const { machine } = this.#parts;
    return {
      instanceId: machine?.instanceId ?? null,
      groupName: machine?.groupName ?? null,
      targetState: targetState ?? null,
      drainCauses: departure?.causes ?? [],
      drainDeadline: departure ? new Date(departure.deadlineAtMs).toISOString() : null,
      isProtectedFromScaleIn: this.#isProtected,
    };
  }

  get #wanted(): Wanted {
    return wantedOf(this.#facts, this.#budgets.drainMs);
  }

  #apply(event: LifecycleEvent): void {
    const before = this.#facts;
    this.#facts = afterEvent(before, event, this.#budgets, Date.now());
    if (this.#facts === before) return;
    const { departure, broken } = this.#facts;
    if (broken !== before.broken) this.#log.warn('machine beyond repair', { broken: broken ?? null });
    if (departure && departure !== before.departure) this.#log.info('leaving', { ...departure });
    // First on disk: should this process die right after it, the next one finds what was begun.
    this.#save();
    this.#follow();
    // Their answers say whether another worker is there; the next ones are seconds away.
    if (event.kind === 'rebalance') this.#parts.runner.askRouters();
  }

  #follow(): void {
    const wanted = this.#wanted;
    this.#word?.follow(wanted);
    switch (wanted.service) {
      case 'prepare':
        this.#preparation.advance(this.#facts);
        break;
      case 'serve':
        this.#preparation.cancel();
        this.#parts.runner.admit();
        this.#parts.runner.startEngine();
        this.handle({ kind: 'admitted' });
        break;
      case 'leave':
        this.#preparation.cancel();
        this.#drain();
        break;
      case 'restart':
        if (!this.#isRestartWanted) this.#parts.onRestartWanted();
        this.#isRestartWanted = true;
        break;
    }
  }

  #drain(): void {
    const { causes, deadlineAtMs, isHard } = this.#facts.departure!;
    this.#deadline = { atMs: performance.now() + deadlineAtMs - Date.now(), isHard };
    if (this.#draining) return;
    this.handle({ kind: 'draining' });
    this.#draining = this.#parts.runner
      .drain({
        deadline: () => this.#deadline,
        isResumed: this.#isResumed,
        onMoved: () => {
          if (this.#facts.drain === 'running') this.handle({ kind: 'moved' });
        },
        log: this.#log.child({ causes }),
      })
      .catch((error: unknown) => this.#log.error('drain failed', { error }))
      .then(() => this.handle({ kind: 'drained' }));
  }

  #seeWork(): void {
    const { runner, oldestTurnMs } = this.#parts;
    const view = runner.routerView;
    this.handle({
      kind: 'work-seen',
      otherReadyWorkers: view?.otherReadyWorkers,
      longestJobMs: Math.max(1_000 * (view?.oldestRequestSeconds ?? 0), oldestTurnMs()),
    });
  }

  /** The notice may still be on its way when systemd stops the daemons of a machine that goes. */
  async #askTargetState(): Promise<void> {
    const { machine } = this.#parts;
    try {
      const state = await machine?.readTargetState(AbortSignal.timeout(targetStateMs));
      if (state !== undefined) this.handle({ kind: 'target-state', state });
    } catch (error) {
      this.#log.warn('target state not read in time', { error });
    }
  }

  /**
   * Whoever ends the process in good order may start it anew in good faith. What the cloud wants then is asked for again:
   * target state and notices stand in the metadata, and an engine that was beyond repair gets another chance.
   */
  #forgetDrain(): void {
    this.#facts = { ...this.#facts, departure: undefined, isUnhealthyTold: false };
    this.#save();
  }

  #save(): void {
    const { departure, isUnhealthyTold } = this.#facts;
    this.#parts.file.save({ departure, isUnhealthyTold, isProtected: this.#isProtected });
  }
}
