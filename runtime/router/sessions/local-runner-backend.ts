import type { SandboxPool } from '../../sandboxes/pool.ts';
import type {
  PoolStatistics,
  RunnerBackend,
  SandboxSpec,
  SandboxView,
  TurnEvent,
  TurnRequest,
} from '../../shared/sandbox-protocol.ts';

/** Sandboxes as children of this very process: one machine without runners (standalone mode), and tests. */
export class LocalRunnerBackend implements RunnerBackend {
  readonly #pool: SandboxPool;

  /** @param pool becomes the backend's own and ends with it */
  constructor(pool: SandboxPool) {
    this.#pool = pool;
  }

  async createSandbox(spec: SandboxSpec, signal?: AbortSignal): Promise<SandboxView> {
    signal?.throwIfAborted();
    return (await this.#pool.create(spec)).view;
  }

  async getSandbox(sessionId: string): Promise<SandboxView | undefined> {
    return this.#pool.get(sessionId);
  }

  async listSandboxes(): Promise<readonly SandboxView[]> {
    return this.#pool.list();
  }

  async *sendMessage(sessionId: string, turn: TurnRequest, signal?: AbortSignal): AsyncGenerator<TurnEvent> {
    yield* await this.#pool.openTurn(sessionId, turn, signal);
  }

  async destroySandbox(sessionId: string): Promise<void> {
    await this.#pool.destroy(sessionId);
  }

  async statistics(): Promise<PoolStatistics> {
    return this.#pool.statistics;
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }
}
