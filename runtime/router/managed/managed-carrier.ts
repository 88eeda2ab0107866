import type { UpstreamConnection } from '../../shared/http/upstream-connection.ts';
import type { Registry } from '../coordinator/registry.ts';
import { routerError } from '../errors.ts';
import type { RouterMetrics } from '../metrics.ts';
import type { Answer } from '../relay/answer.ts';
import { Attempt, type AttemptEnd } from '../relay/attempt.ts';
import { upstreamHead } from '../relay/headers.ts';
import type { Hold } from '../relay/hold.ts';
import type { Passage } from '../relay/passage.ts';
import type { EngineClient } from '../upstream/engine-client.ts';
import type { ManagedRouter } from './managed-router.ts';

export interface ManagedCarrierParts {
  readonly managed: ManagedRouter;
  readonly registry: Pick<Registry, 'models'>;
  readonly metrics: RouterMetrics;
  /** Lets go when the managed router takes requests. */
  readonly hold: Hold;
  readonly isDraining: () => boolean;
  /** Longest silence of a stream before it gets a comment, in ms of real time. */
  readonly heartbeatMs: number;
}

/** What `x-fleet-worker` says: which engine answered is known to sglang-router alone. */
const workerName = 'sglang-router';

/**
 * Passes requests to the managed router, and its answers back, byte for byte and with backpressure. It chooses nothing and
 * sends nothing twice: workers, retries and time-outs are sglang-router's. What waits is a request that it cannot have
 * seen, because it was down.
 */
export class ManagedCarrier {
  readonly #parts: ManagedCarrierParts;
  readonly #streams = new Set<Answer>();
  readonly #heartbeat: NodeJS.Timeout;

  constructor(parts: ManagedCarrierParts) {
    this.#parts = parts;
    // Whether a stream was silent is looked at once per period, so a pause gets its comment within two periods.
    this.#heartbeat = setInterval(() => this.#beat(), parts.heartbeatMs / 2).unref();
  }

  close(): void {
    clearInterval(this.#heartbeat);
  }

  /**
   * Sees a request to its end. @returns the outcome for the metrics
   * @throws CodedError when nothing, or only heartbeats, reached the client
   */
  async carry(passage: Passage): Promise<string> {
    const { managed } = this.#parts;
    const { answer, facts } = passage;
    if (facts.isStream) this.#streams.add(answer);
    try {
      for (;;) {
        const client = managed.upstream;
        if (client === undefined) {
          if ((await this.#waitForUpstream(passage)) === 'gone') return 'client-gone';
          continue;
        }
        this.#refuseModel(passage);
        const end = await this.#exchange(passage, client);
        if (end.kind === 'complete') return end.status < 400 ? 'ok' : `engine-${end.status}`;
        if (end.kind === 'client-gone') return 'client-gone';
        if (end.kind === 'broken-off') {
          answer.breakOff(routerError('ENGINE_BROKE_OFF', { detail: `${workerName}: ${end.detail}` }));
          return 'ENGINE_BROKE_OFF';
        }
        const { reason, detail } = end;
        if (reason === 'overload') throw routerError('ENGINE_OVERLOADED', { detail }, { retryAfterSeconds: 1 });
        if (reason !== 'connect') {
          throw routerError('ROUTER_ENGINE_LOST', { detail, retryAfterSeconds: 1 }, { retryAfterSeconds: 1 });
        }
        managed.doubt();
      }
    } finally {
      this.#streams.delete(answer);
    }
  }

  async #exchange(passage: Passage, client: EngineClient): Promise<AttemptEnd> {
    const end = await this.#attempt(passage, client, client.pool.acquire());
    if (end.kind !== 'retryable' || !end.wasStaleConnection || passage.response.isClosed) return end;
    const again = await this.#attempt(passage, client, client.pool.fresh());
    // Not an idle connection that had just been closed: the process is gone, and may have begun the request.
    return again.kind === 'retryable' && again.reason === 'connect' ? { ...again, reason: 'reset' } : again;
  }

  async #attempt(passage: Passage, client: EngineClient, connection: UpstreamConnection): Promise<AttemptEnd> {
    const { request, response, answer, held, body, bodyBytes, startedAtMs } = passage;
    held.retain();
    const attempt = new Attempt(
      {
        workerId: workerName,
        head: upstreamHead(request.head, client, bodyBytes),
        body,
        onBodyWritten: held.release,
        sink: answer,
        mayRetry: false,
        onFirstByte: () => {
          answer.model = this.#modelOf(passage);
          this.#parts.metrics.firstByteAfter(answer.model, performance.now() - startedAtMs);
        },
      },
      connection,
    );
    const onClose = () => {
      if (!response.isFinished) attempt.abandon();
    };
    response.on('close', onClose);
    try {
      const end = await attempt.ended;
      if (end.kind === 'client-gone') this.#parts.metrics.aborts.inc();
      // A close is how it learns that nobody waits any more.
      if (end.kind !== 'complete') attempt.dropUpstream();
      return end;
    } finally {
      response.off('close', onClose);
    }
  }

  /** Holds the request until the managed router takes requests. Throws past the limit. */
  async #waitForUpstream({ response, bodyBytes, startedAtMs, holdMs, group }: Passage): Promise<'ready' | 'gone'> {
    const { hold, managed, isDraining } = this.#parts;
    const end = await hold.wait(response, bodyBytes, startedAtMs + holdMs - performance.now(), group);
    if (end !== 'late') return end;
    if (isDraining()) throw routerError('SHUTTING_DOWN', {}, { retryAfterSeconds: 1 });
    const values = { waitedSeconds: Math.round(holdMs / 1_000), retryAfterSeconds: 5 };
    const code = managed.state === 'ready' ? 'NO_READY_WORKER' : 'ROUTER_ENGINE_DOWN';
    throw routerError(code, values, { retryAfterSeconds: values.retryAfterSeconds });
  }

  /** Without this a request could be answered by a model that it did not name. */
  #refuseModel({ facts: { model } }: Passage): void {
    const { registry, managed } = this.#parts;
    const { models } = registry;
    if (models.size <= 1) return;
    const served = [...models].join(', ');
    if (!managed.knowsModels) throw routerError('ROUTER_ENGINE_ONE_MODEL', { served });
    if (model !== undefined && !models.has(model)) {
      throw routerError('UNKNOWN_MODEL', { model, served }, { param: 'model' });
    }
  }

  /** For the metrics, which take no client's word for a label. */
  #modelOf({ facts: { model } }: Passage): string | undefined {
    const { models } = this.#parts.registry;
    if (models.size === 1) return [...models][0];
    return model !== undefined && models.has(model) ? model : undefined;
  }

  #beat(): void {
    for (const answer of this.#streams) answer.heartbeatIfIdle();
  }
}
