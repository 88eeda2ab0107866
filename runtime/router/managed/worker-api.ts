import { z } from 'zod';
import { bearerHeaders } from '../../shared/auth.ts';
import { callJson, HttpStatusError, type JsonCall } from '../../shared/call-json.ts';
import type { ListedWorker, WantedWorker } from './worker-changes.ts';

/** How an addition that is not listed yet stands. */
export type AdditionState = { readonly kind: 'under-way' } | { readonly kind: 'failed'; readonly detail: string };

const workersSchema = z.object({
  workers: z.array(z.object({ id: z.string(), url: z.string(), is_healthy: z.boolean().default(true) })),
});
const acceptedSchema = z.object({ worker_id: z.string() });
const workerSchema = z.object({
  job_status: z.object({ status: z.string(), message: z.string().nullish() }).nullish(),
});

/**
 * The worker API of sglang-router 0.3: `/workers`. Additions and removals answer 202 and are done later; `/workers/ID`
 * tells how they went. Every call rejects as `callJson` does, with a ZodError for an answer of another shape.
 */
export class WorkerApi {
  readonly #url: string;
  readonly #headers: Record<string, string>;
  readonly #engineApiKey: string | undefined;
  readonly #signal: AbortSignal;

  /** @param engineApiKey what it sends to engines instead of the client's credentials */
  constructor(url: string, controlKey: string, engineApiKey: string | undefined, signal: AbortSignal) {
    this.#url = url;
    this.#headers = bearerHeaders(controlKey);
    this.#engineApiKey = engineApiKey;
    this.#signal = signal;
  }

  async list(): Promise<ListedWorker[]> {
    const { workers } = workersSchema.parse(await this.#call('/workers'));
    return workers.map(({ id, url, is_healthy }) => ({ id, url, isHealthy: is_healthy }));
  }

  /** @returns the id that the worker gets */
  async add({ url, modelId }: WantedWorker): Promise<string> {
    const body = {
      url,
      ...(modelId !== undefined && { model_id: modelId }),
      ...(this.#engineApiKey !== undefined && { api_key: this.#engineApiKey }),
    };
    return acceptedSchema.parse(await this.#call('/workers', { body })).worker_id;
  }

  async additionState(id: string): Promise<AdditionState> {
    try {
      const { job_status: job } = workerSchema.parse(await this.#call(`/workers/${encodeURIComponent(id)}`));
      return job?.status === 'failed'
        ? { kind: 'failed', detail: job.message ?? 'no reason given' }
        : { kind: 'under-way' };
    } catch (error) {
      if (error instanceof HttpStatusError && error.status === 404)
        return { kind: 'failed', detail: 'it is not known' };
      throw error;
    }
  }

  /** One that is not known is gone already. */
  async remove(id: string): Promise<void> {
    try {
      await this.#call(`/workers/${encodeURIComponent(id)}`, { method: 'DELETE' });
    } catch (error) {
      if (!(error instanceof HttpStatusError) || error.status !== 404) throw error;
    }
  }

  #call(path: string, call: JsonCall = {}): Promise<unknown> {
    return callJson(this.#url + path, { ...call, headers: this.#headers, signal: this.#signal });
  }
}
