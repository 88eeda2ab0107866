import type { RunnerBackend } from '../../shared/sandbox-protocol.ts';
import type { Coordinator } from '../coordinator/coordinator.ts';
import { RemoteRunnerBackend } from './remote-runner-backend.ts';

/** Sandboxes in this very process, as a runner of the fleet among others. */
export interface LocalRunner {
  readonly runnerId: string;
  readonly backend: RunnerBackend;
  /** An API key that its agents send with their requests; accepted where keys are configured. */
  readonly apiKey?: string;
  /** Told where the router listens, before any session comes. */
  listening?(url: string): void;
}

export interface RunnerBackendsOptions {
  readonly coordinator: Pick<Coordinator, 'runners' | 'findRunner'>;
  /** Bearer secret of the fleet. */
  readonly secret: string | undefined;
  readonly local?: LocalRunner | undefined;
}

/** The way to each runner's sandboxes. A backend is kept until its runner goes or moves, whoever noticed that. */
export class RunnerBackends {
  readonly #options: RunnerBackendsOptions;
  readonly #remote = new Map<string, RunnerBackend>();

  constructor(options: RunnerBackendsOptions) {
    this.#options = options;
    options.coordinator.runners.on('gone', this.#drop);
  }

  /** Backends that are kept now. */
  get size(): number {
    return this.#remote.size;
  }

  /** @returns undefined when no coordinator knows the runner */
  async of(runnerId: string): Promise<RunnerBackend | undefined> {
    const { coordinator, secret, local } = this.#options;
    if (local?.runnerId === runnerId) return local.backend;
    const kept = this.#remote.get(runnerId);
    if (kept) return kept;
    const runner = await coordinator.findRunner(runnerId);
    if (runner === undefined) return undefined;
    const backend = this.#remote.get(runnerId) ?? new RemoteRunnerBackend({ ...runner, secret });
    this.#remote.set(runnerId, backend);
    return backend;
  }

  async close(): Promise<void> {
    const { coordinator, local } = this.#options;
    coordinator.runners.off('gone', this.#drop);
    await Promise.all([...this.#remote.values(), ...(local ? [local.backend] : [])].map((backend) => backend.close()));
    this.#remote.clear();
  }

  readonly #drop = (runnerId: string): void => {
    void this.#remote.get(runnerId)?.close();
    this.#remote.delete(runnerId);
  };
}
