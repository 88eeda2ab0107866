import { randomUUID } from 'node:crypto';
import type { Place, Slot } from '../admission/slot.ts';
import { waitForSlot } from '../admission/wait-for-slot.ts';
import type { Registry } from '../coordinator/registry.ts';
import type { Worker } from '../coordinator/worker.ts';
import { routerError } from '../errors.ts';
import type { RouterMetrics } from '../metrics.ts';
import { chooseWorker, type Policy, type RankedWorker } from '../policy/policy.ts';
import type { AttemptEnd } from './attempt.ts';
import { ContinuedAnswer } from './continued-answer.ts';
import type { Exchange } from './exchange.ts';
import type { Hold } from './hold.ts';
import { nextContinuation } from './next-continuation.ts';
import type { Passage } from './passage.ts';
import { RetryBudget } from './retry-budget.ts';

export interface DispatcherParts {
  readonly registry: Registry;
  readonly policy: Policy;
  readonly metrics: RouterMetrics;
  readonly exchange: Exchange;
  readonly hold: Hold;
  /** The clock of queues and rates: ms of engine time. */
  readonly engineNowMs: () => number;
  readonly isDraining: () => boolean;
  /** Whether admission caps what runs on one worker: then it grants worker and slot together. */
  readonly isCappedPerWorker: boolean;
  /** When a client that waited for a worker in vain should come back. */
  readonly retryAfterSeconds: (group: number) => number;
}

const maxAttempts = 4;
const maxContinuations = 3;

/** Finds the worker for a request, another when that one fails, and one to continue on when it fails half way. */
export class Dispatcher {
  readonly #parts: DispatcherParts;
  readonly #retryBudget = new RetryBudget();

  constructor(parts: DispatcherParts) {
    this.#parts = parts;
  }

  /**
   * Sees a request to its end. @returns the outcome for the metrics
   * @throws CodedError when nothing, or only heartbeats, reached the client
   */
  async carry(passage: Passage, slot: Slot<Worker>): Promise<string> {
    const tried = new Set<Worker>();
    let lastDetail = '';
    let heldMs = 0;
    this.#retryBudget.deposit();
    for (let attempts = 0; attempts < maxAttempts; ) {
      const candidates = this.#candidates(passage, tried);
      if (candidates.length === 0) {
        const heldSinceMs = this.#parts.engineNowMs();
        await this.#waitForWorker(passage, attempts, lastDetail);
        heldMs += this.#parts.engineNowMs() - heldSinceMs;
        tried.clear();
        continue;
      }
      attempts++;
      const chosen = await this.#grant(passage, candidates, attempts === 1 ? undefined : slot, tried);
      if (attempts === 1)
        this.#parts.metrics.traffic(passage.group).routed(slot.waitedMs + heldMs, passage.routing, chosen);
      const mayRetry = attempts < maxAttempts && candidates.length > 1 && this.#retryBudget.hasRoom;
      const { body, rid, answer: sink } = passage;
      const end = await this.#parts.exchange.run({ passage, chosen, body, rid, sink, mayRetry, accepts: 'any' });
      if (end.kind === 'complete') return end.status < 400 ? 'ok' : `engine-${end.status}`;
      if (end.kind === 'client-gone') return 'client-gone';
      if (end.kind === 'broken-off') return this.#continue(passage, slot, chosen.worker, end.detail);
      lastDetail = end.detail;
      if (end.reason === 'overload' && !mayRetry) {
        throw routerError('ENGINE_OVERLOADED', { detail: lastDetail }, { retryAfterSeconds: 1 });
      }
      if (end.reason === 'status' || end.reason === 'overload') this.#retryBudget.withdraw();
      this.#parts.metrics.retries.inc({ reason: end.reason });
      tried.add(chosen.worker);
    }
    throw routerError('ENGINE_UNREACHABLE', { attempts: maxAttempts, detail: lastDetail }, { retryAfterSeconds: 1 });
  }

  /** The stream broke off: goes on with it elsewhere, or ends it so that the client knows. */
  async #continue(passage: Passage, slot: Slot<Worker>, failed: Worker, detail: string): Promise<string> {
    const tried = new Set([failed]);
    let reason = detail;
    let outcome = 'failed';
    for (let attempts = 0; attempts < maxContinuations; attempts++) {
      const chosen = await this.#chooseForRest(passage, slot, tried);
      const rid = randomUUID().replaceAll('-', '');
      const plan = await nextContinuation(passage, rid, chosen?.worker);
      if (plan.kind === 'finish') {
        passage.answer.writeEvents(plan.bytes);
        passage.answer.end();
        return this.#continued('finished');
      }
      if (plan.kind === 'cannot') {
        outcome = 'impossible';
        reason = `${detail}; it could not be continued elsewhere: ${plan.reason}`;
        break;
      }
      if (!chosen) break;
      passage.answer.writeEvents(plan.opening);
      const sink = new ContinuedAnswer(passage.answer, plan.splicer);
      const order = { passage, chosen, body: [plan.body], rid, sink, mayRetry: true, accepts: 'stream' } as const;
      const end: AttemptEnd = await this.#parts.exchange.run(order);
      if (end.kind === 'complete') return this.#continued('continued');
      if (end.kind === 'client-gone') return 'client-gone';
      tried.add(chosen.worker);
    }
    this.#parts.metrics.continuations.inc({ outcome });
    passage.answer.breakOff(routerError('ENGINE_BROKE_OFF', { detail: reason }));
    return 'ENGINE_BROKE_OFF';
  }

  #continued(outcome: string): string {
    this.#parts.metrics.continuations.inc({ outcome });
    return 'ok';
  }

  /** A worker for the rest of a stream; waits for one as long as a new request would. */
  async #chooseForRest(
    passage: Passage,
    slot: Slot<Worker>,
    tried: Set<Worker>,
  ): Promise<RankedWorker<Worker> | undefined> {
    const candidates = this.#candidates(passage, tried);
    if (candidates.length > 0) return this.#grant(passage, candidates, slot, tried);
    const end = await this.#parts.hold.wait(passage.response, passage.bodyBytes, passage.holdMs, passage.group);
    if (end !== 'ready') return undefined;
    tried.clear();
    const anew = this.#candidates(passage, tried);
    return anew.length > 0 ? this.#grant(passage, anew, slot, tried) : undefined;
  }

  /** For admission: chooses when the request's turn has come, among the workers with room. */
  placeFor(passage: Passage, tried: ReadonlySet<Worker>): Place<Worker> {
    return (hasRoom) => {
      const candidates = this.#candidates(passage, tried).filter(hasRoom);
      passage.granted = candidates.length > 0 ? this.#choose(passage, candidates) : undefined;
      return passage.granted?.worker;
    };
  }

  /** The worker for the next attempt. @param slot to be moved to another worker; undefined for the first attempt */
  async #grant(
    passage: Passage,
    candidates: readonly Worker[],
    slot: Slot<Worker> | undefined,
    tried: ReadonlySet<Worker>,
  ): Promise<RankedWorker<Worker>> {
    if (!this.#parts.isCappedPerWorker) return this.#choose(passage, candidates);
    if (slot) await waitForSlot(slot.move(this.placeFor(passage, tried)), passage.response);
    return passage.granted ?? this.#choose(passage, candidates);
  }

  #choose(passage: Passage, candidates: readonly Worker[]): RankedWorker<Worker> {
    return chooseWorker(this.#parts.policy, passage.routing, candidates, this.#parts.engineNowMs())!;
  }

  #candidates(passage: Passage, tried: ReadonlySet<Worker>): readonly Worker[] {
    const { ready, models } = this.#parts.registry;
    const { model } = passage.facts;
    // A fleet of one model takes any name, as SGLang itself does.
    const needsMatch = model !== undefined && models.size > 1;
    if (!needsMatch && tried.size === 0) return ready;
    if (needsMatch && !models.has(model)) {
      throw routerError('UNKNOWN_MODEL', { model, served: [...models].join(', ') }, { param: 'model' });
    }
    return ready.filter((worker) => !tried.has(worker) && (!needsMatch || worker.serves(model)));
  }

  /** Holds the request until a worker becomes ready. Throws NO_READY_WORKER or ENGINE_UNREACHABLE past the limit. */
  async #waitForWorker(passage: Passage, attempts: number, lastDetail: string): Promise<void> {
    const { hold, isDraining } = this.#parts;
    const leftMs = passage.startedAtMs + passage.holdMs - performance.now();
    if ((await hold.wait(passage.response, passage.bodyBytes, leftMs, passage.group)) === 'ready') return;
    if (isDraining()) throw routerError('SHUTTING_DOWN', {}, { retryAfterSeconds: 1 });
    if (attempts > 0) {
      throw routerError('ENGINE_UNREACHABLE', { attempts, detail: lastDetail }, { retryAfterSeconds: 1 });
    }
    const retryAfterSeconds = this.#parts.retryAfterSeconds(passage.group);
    const values = { waitedSeconds: Math.round(passage.holdMs / 1_000), retryAfterSeconds };
    throw routerError('NO_READY_WORKER', values, { retryAfterSeconds });
  }
}
