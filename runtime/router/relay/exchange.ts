import type { UpstreamConnection } from '../../shared/http/upstream-connection.ts';
import type { Logger } from '../../shared/log.ts';
import type { Registry } from '../coordinator/registry.ts';
import type { Worker } from '../coordinator/worker.ts';
import type { RouterMetrics } from '../metrics.ts';
import { type RankedWorker, restBlocks } from '../policy/policy.ts';
import { abortOnEngine } from '../upstream/abort.ts';
import type { AnswerSink } from './answer-sink.ts';
import { Attempt, type AttemptEnd, type AttemptOptions } from './attempt.ts';
import { upstreamHead } from './headers.ts';
import type { Passage } from './passage.ts';
import type { StallWatch } from './stall-watch.ts';

export interface ExchangeParts {
  readonly registry: Registry;
  readonly metrics: RouterMetrics;
  readonly log: Logger;
  readonly watch: StallWatch;
  /** The clock of queues and rates: ms of engine time. */
  readonly engineNowMs: () => number;
}

/** First-token times this far beyond prediction, in ms and times the prediction, mean that the engine lost the request. */
const lateSlackMs = 10_000;
const lateFactor = 5;

/** One request to one worker. */
export interface Order {
  readonly passage: Passage;
  readonly chosen: RankedWorker<Worker>;
  readonly body: readonly Uint8Array[];
  /** The id under which the engine knows the request, when it has one. */
  readonly rid: string | undefined;
  readonly sink: AnswerSink;
  readonly mayRetry: boolean;
  readonly accepts: 'any' | 'stream';
}

/**
 * Carries orders out and keeps the books of the workers: what is in flight on them, what waits for its prefill, what
 * they probably have cached, which of them can be trusted. Every count that goes up comes down here.
 */
export class Exchange {
  readonly #parts: ExchangeParts;

  constructor(parts: ExchangeParts) {
    this.#parts = parts;
  }

  async run(order: Order): Promise<AttemptEnd> {
    const { passage, chosen, body } = order;
    const { worker, uncachedTokens } = chosen;
    const { request, routing, facts } = passage;
    const { engineNowMs, metrics } = this.#parts;
    const sentAtMs = engineNowMs();
    const predictedMs = worker.prefill.firstTokenMs(uncachedTokens, sentAtMs);
    const entry = worker.prefill.add(uncachedTokens, sentAtMs, facts.isStream);
    worker.inFlightRequests++;
    worker.inFlightTokens += routing.promptTokens;
    worker.lastSentAtMs = sentAtMs;
    const hold = worker.prefixes.hold(routing.chain, restBlocks(routing, worker.expectedAnswerTokens));
    const bodyBytes = body.reduce((total, part) => total + part.length, 0);
    const options: AttemptOptions = {
      workerId: worker.id,
      head: upstreamHead(request.head, worker.engine, bodyBytes),
      body,
      onBodyWritten: passage.held.release,
      sink: order.sink,
      accepts: order.accepts,
      mayRetry: order.mayRetry,
      onFirstByte: (status) => {
        const elapsedMs = performance.now() - passage.startedAtMs;
        metrics.firstByteAfter(worker.model, elapsedMs);
        passage.answer.model = worker.model;
        if (!facts.isStream) return;
        // Neither an engine's refusal nor the rest of a stream that broke off begins an answer.
        if (status === 200 && order.accepts === 'any') metrics.traffic(passage.group).firstTokenAfter(elapsedMs);
        const nowMs = engineNowMs();
        worker.prefill.firstToken(entry, nowMs);
        metrics.firstTokenPredicted(predictedMs, nowMs - sentAtMs);
      },
    };
    try {
      let end = await this.#attempt(order, options, predictedMs, worker.engine.pool.acquire());
      if (end.kind === 'retryable' && end.wasStaleConnection && !passage.response.isClosed) {
        end = await this.#attempt(order, options, predictedMs, worker.engine.pool.fresh());
      }
      this.#judge(worker, passage, end);
      return end;
    } finally {
      worker.prefill.remove(entry, engineNowMs());
      worker.prefixes.release(hold);
      worker.inFlightRequests--;
      worker.inFlightTokens -= routing.promptTokens;
    }
  }

  /** Sees one attempt to its end, under the eyes of the client and of the stall watch. */
  async #attempt(
    order: Order,
    options: AttemptOptions,
    predictedMs: number,
    connection: UpstreamConnection,
  ): Promise<AttemptEnd> {
    const { response, answer, facts, startedAtMs } = order.passage;
    const { worker } = order.chosen;
    order.passage.held.retain();
    const attempt = new Attempt(options, connection);
    const mayBeLate = facts.isStream && order.mayRetry;
    const lateAfterMs = mayBeLate ? lateSlackMs + lateFactor * predictedMs : Number.POSITIVE_INFINITY;
    const watched = { attempt, answer, isStream: facts.isStream, startedAtMs, lateAfterMs, waitedMs: 0, place: 0 };
    const onClose = () => {
      if (!response.isFinished) attempt.abandon();
    };
    response.on('close', onClose);
    this.#parts.watch.add(worker, watched);
    try {
      const end = await attempt.ended;
      if (end.kind === 'client-gone') this.#parts.metrics.aborts.inc();
      if (mayStillWork(end)) void stopEngine(worker, order.rid, attempt);
      else if (end.kind !== 'complete') attempt.dropUpstream();
      return end;
    } finally {
      response.off('close', onClose);
      this.#parts.watch.remove(worker, watched);
    }
  }

  #judge(worker: Worker, passage: Passage, end: AttemptEnd): void {
    if (end.kind === 'complete') {
      passage.worker = worker;
      worker.completedRequests++;
      worker.consecutiveFailures = 0;
    }
    if (end.kind === 'complete' || end.kind === 'client-gone') return;
    const { registry, log } = this.#parts;
    worker.failedRequests++;
    const isAnswer =
      end.kind === 'retryable' && (end.reason === 'status' || end.reason === 'overload' || end.reason === 'late');
    if (!isAnswer && worker.state === 'ready') {
      // Once per fall: all that was in flight fails together when an engine dies.
      worker.consecutiveFailures++;
      registry.setState(worker, 'suspect', `a request failed on it: ${end.detail}`);
    }
    const { requestId } = passage;
    log.warn('attempt failed', { requestId, worker: worker.id, end: end.kind, detail: end.detail });
  }
}

/** Whether the engine may go on with a request that nobody waits for. */
function mayStillWork(end: AttemptEnd): boolean {
  if (end.kind === 'complete') return !end.isEngineDone;
  return end.kind === 'client-gone' || (end.kind === 'retryable' && (end.reason === 'stall' || end.reason === 'late'));
}

async function stopEngine(worker: Worker, rid: string | undefined, attempt: Attempt): Promise<void> {
  if (rid !== undefined) await abortOnEngine(worker.engine, rid);
  attempt.dropUpstream();
}
