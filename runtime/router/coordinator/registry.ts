import { EventEmitter } from 'node:events';
import type { Logger } from '../../shared/log.ts';
import type { EngineState, RunnerHeartbeat, RunnerRegistration } from '../../shared/protocol.ts';
import { PrefixBudget } from '../policy/prefix-budget.ts';
import type { EngineAccess } from '../upstream/engine-client.ts';
import { Worker, type WorkerSource, type WorkerState } from './worker.ts';

interface RegistryEvents {
  /** A worker must prove itself with a generation before it takes traffic. */
  'needs-probe': [worker: Worker];
  /** A worker may take traffic now. */
  ready: [worker: Worker];
  gone: [worker: Worker];
  /** The state of a worker is another one now, whichever. */
  changed: [worker: Worker];
}

/** The part of a heartbeat or load report that concerns the engine. */
export type EngineNews = Pick<RunnerHeartbeat, 'runnerId' | 'load' | 'engineState'>;

/** An instance of the configured Auto Scaling group, as discovery found it. */
export interface InstanceAddress {
  readonly instanceId: string;
  readonly url: string;
  /** The group is terminating it: no new work. */
  readonly isLeaving: boolean;
}

/**
 * The one list of workers, merged from runners that register, Auto Scaling and static URLs. An engine's base URL is its
 * identity. State changes happen here and nowhere else, each with a log line.
 */
export class Registry extends EventEmitter<RegistryEvents> {
  readonly #workers = new Map<string, Worker>();
  readonly #byRunner = new Map<string, Worker>();
  readonly #log: Logger;
  #ready: readonly Worker[] = [];
  readonly #declaredModels: ReadonlySet<string>;
  #models: ReadonlySet<string>;

  /** Bounds what is remembered of all workers' caches together. */
  readonly prefixBudget: PrefixBudget;

  readonly #access: EngineAccess;

  /**
   * @param maxPrefixBytes memory for the prefix index over all workers
   * @param declaredModels what is served also while no worker is there, since one would be started for it
   */
  constructor(
    log: Logger,
    maxPrefixBytes: number,
    access: EngineAccess,
    declaredModels: ReadonlySet<string> = new Set(),
  ) {
    super();
    this.#declaredModels = declaredModels;
    this.#models = declaredModels;
    this.#access = access;
    this.#log = log;
    this.prefixBudget = new PrefixBudget(maxPrefixBytes);
  }

  get workers(): readonly Worker[] {
    return [...this.#workers.values()];
  }

  /** Workers that may take new requests; the same array until one changes. */
  get ready(): readonly Worker[] {
    return this.#ready;
  }

  /** Ids of the models that ready workers serve, or that workers would be started for. */
  get models(): ReadonlySet<string> {
    return this.#models;
  }

  /** Runners that this process knows to be on their way out, whatever the store says. */
  get drainingRunners(): string[] {
    return this.workers.flatMap(({ state, runnerId }) =>
      state === 'draining' && runnerId !== undefined ? runnerId : [],
    );
  }

  /** The worker of a runner, undefined when it has none. */
  workerOf(runnerId: string): Worker | undefined {
    return this.#byRunner.get(runnerId);
  }

  /** Ready workers beside this one that serve a model of it. */
  readyBeside(worker: Worker): readonly Worker[] {
    return this.#ready.filter((other) => other !== worker && worker.models.some(({ id }) => other.serves(id)));
  }

  addStatic(url: string): Worker {
    return this.#add(url, 'static');
  }

  /** Takes back `addStatic`: the worker goes, unless another source still names it. */
  removeStatic(worker: Worker): void {
    this.#drop(worker, 'static');
  }

  /** @param nowMs wall clock */
  registerRunner(registration: RunnerRegistration, nowMs: number): Worker | undefined {
    if (registration.engineUrl === undefined) return undefined;
    const url = registration.engineUrl.replace(/\/+$/, '');
    // A runner that came back with another engine port leaves its old entry behind.
    const former = this.#byRunner.get(registration.runnerId);
    if (former && former.url !== url) this.removeRunner(registration.runnerId);
    const worker = this.#add(url, 'runner');
    this.#bind(worker, registration.runnerId);
    worker.instanceId = registration.instanceId ?? worker.instanceId;
    worker.lastHeartbeatAtMs = nowMs;
    this.#follow(worker, registration.engineState ?? 'ready');
    return worker;
  }

  /** @returns false when the runner is unknown and has to register */
  heartbeat(heartbeat: EngineNews, nowMs: number): boolean {
    const worker = this.#byRunner.get(heartbeat.runnerId);
    if (!worker) return false;
    worker.lastHeartbeatAtMs = nowMs;
    this.hear(heartbeat);
    return true;
  }

  /** What a runner says of its engine; by itself no sign of life. Nothing when the runner is unknown. */
  hear({ runnerId, load, engineState }: EngineNews): void {
    const worker = this.#byRunner.get(runnerId);
    if (!worker) return;
    if (load) worker.setLoad(load);
    if (engineState) this.#follow(worker, engineState);
  }

  /** The runner left or died: its worker goes, unless another source still names it. */
  removeRunner(runnerId: string): boolean {
    const worker = this.#byRunner.get(runnerId);
    if (!worker) return false;
    this.#bind(worker, undefined);
    worker.lastHeartbeatAtMs = undefined;
    this.#drop(worker, 'runner');
    return true;
  }

  /** Makes what is known of one Auto Scaling group equal to `instances`. */
  applyInstances(groupName: string, instances: readonly InstanceAddress[]): void {
    const byUrl = new Map(instances.map((instance) => [instance.url, instance]));
    for (const worker of this.workers) {
      if (worker.groupName === groupName && !byUrl.has(worker.url)) this.removeInstance(worker);
    }
    for (const instance of instances) {
      if (instance.isLeaving && !this.#workers.has(instance.url)) continue;
      const worker = this.#add(instance.url, 'asg');
      worker.instanceId = instance.instanceId;
      worker.groupName = groupName;
      const wasLeaving = worker.isLeaving;
      worker.isLeaving = instance.isLeaving;
      if (instance.isLeaving) this.setState(worker, 'draining', 'the group is terminating the instance');
      else if (wasLeaving) this.setState(worker, 'starting', 'the group keeps the instance');
    }
  }

  /** An instance that is gone takes its runner with it: nothing of it can answer. */
  removeInstance(worker: Worker): void {
    this.#bind(worker, undefined);
    worker.groupName = undefined;
    this.#drop(worker, 'runner');
    this.#drop(worker, 'asg');
  }

  setState(worker: Worker, state: WorkerState, reason: string): void {
    if (worker.state === state || worker.state === 'gone') return;
    const from = worker.state;
    worker.state = state;
    this.#ready = this.workers.filter((candidate) => candidate.state === 'ready');
    const served = this.#ready.flatMap((candidate) => candidate.models.map(({ id }) => id));
    this.#models = new Set([...this.#declaredModels, ...served]);
    this.#log.info('worker state changed', { worker: worker.id, from, to: state, reason });
    this.emit('changed', worker);
    if (state === 'ready') this.emit('ready', worker);
    if (state === 'suspect' || state === 'starting') this.emit('needs-probe', worker);
    if (state === 'gone') this.emit('gone', worker);
  }

  /** Ends what every worker holds. */
  close(): void {
    for (const worker of this.workers) worker.close();
  }

  /** Makes `worker` the one of `runnerId`, and of no runner when that is undefined. */
  #bind(worker: Worker, runnerId: string | undefined): void {
    if (worker.runnerId !== undefined) this.#byRunner.delete(worker.runnerId);
    worker.runnerId = runnerId;
    if (runnerId !== undefined) this.#byRunner.set(runnerId, worker);
  }

  #add(url: string, source: WorkerSource): Worker {
    const known = this.#workers.get(url);
    if (known) {
      known.sources.add(source);
      return known;
    }
    const worker = new Worker(url, this.prefixBudget, this.#access);
    worker.sources.add(source);
    this.#workers.set(url, worker);
    this.#log.info('worker added', { worker: worker.id, source });
    this.emit('needs-probe', worker);
    return worker;
  }

  #drop(worker: Worker, source: WorkerSource): void {
    worker.sources.delete(source);
    if (worker.sources.size > 0) return;
    this.#workers.delete(worker.url);
    this.setState(worker, 'gone', `no longer known from ${source}`);
    worker.close();
  }

  /** What a runner says of its engine is believed at once when it is bad news; good news has to be proven. */
  #follow(worker: Worker, engineState: EngineState): void {
    if (engineState === 'draining') this.setState(worker, 'draining', 'the runner drains its engine');
    else if (engineState === 'down' && worker.state === 'ready') {
      this.setState(worker, 'suspect', 'the runner says that its engine is down');
    } else if (engineState !== 'down' && worker.state === 'draining' && !worker.isLeaving) {
      this.setState(worker, 'starting', 'the runner serves again');
    }
  }
}
