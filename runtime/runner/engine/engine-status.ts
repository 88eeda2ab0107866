import type { Logger } from '../../shared/log.ts';
import type { EngineState } from '../../shared/protocol.ts';
import type { EngineStatus } from './engine.ts';
import type { EngineFailure } from './engine-failure.ts';
import type { GpuFailure } from './gpu/gpu-status.ts';

/** The engine's status as its owner changes it and others observe it. Logs each change of state once. */
export class ObservedStatus {
  #current: EngineStatus = {
    state: 'starting',
    pid: null,
    restarts: 0,
    lastEnd: null,
    startupSeconds: null,
    phases: [],
    givenUp: null,
    gpus: null,
  };
  readonly #listeners: ((status: EngineStatus) => void)[] = [];
  readonly #givenUpListeners: ((failure: EngineFailure) => void)[] = [];
  readonly #gpuFailureListeners: ((failure: GpuFailure) => void)[] = [];
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  get current(): EngineStatus {
    return this.#current;
  }

  onChange(listener: (status: EngineStatus) => void): void {
    this.#listeners.push(listener);
  }

  onGivenUp(listener: (failure: EngineFailure) => void): void {
    this.#givenUpListeners.push(listener);
  }

  onGpuFailure(listener: (failure: GpuFailure) => void): void {
    this.#gpuFailureListeners.push(listener);
  }

  /** Draining is final: from then on only the other fields follow. */
  update(change: Partial<EngineStatus>): void {
    const before = this.#current.state;
    const state: EngineState = before === 'draining' ? before : (change.state ?? before);
    this.#current = { ...this.#current, ...change, state };
    if (state === before) return;
    this.#log.info('engine state changed', { from: before, to: state, pid: this.#current.pid });
    for (const listener of this.#listeners) listener(this.#current);
  }

  giveUp(failure: EngineFailure): void {
    this.update({ givenUp: failure });
    for (const listener of this.#givenUpListeners) listener(failure);
  }

  reportGpuFailure(failure: GpuFailure): void {
    for (const listener of this.#gpuFailureListeners) listener(failure);
  }
}
