import type { RoutingFacts } from '../../../runtime/router/policy/policy.ts';

const priorTokensPerSecond = 8_000;
/** What the prior counts for. */
const priorTokens = 16_000;
/** Weight that what was learned keeps with each new first token. */
const memory = 0.98;
const runningRequestMs = 0.5;

interface Pending {
  readonly worker: PrototypeWorker;
  readonly uncachedTokens: number;
}

interface PrototypeWorker {
  /** Block hashes, least recently used first. */
  readonly cached: Set<number>;
  /** Requests before their first token, in order of dispatch. */
  readonly pending: Set<Pending>;
  readonly capacityBlocks: number;
  headSinceMs: number;
  runningRequests: number;
}

/**
 * The yardstick that predicted-ttft has to reach, as it is described: per worker an LRU index of block hashes sized to
 * its KV pool, a first-in first-out queue of uncached tokens of which the head counts only with what is left of it at a
 * learned prefill rate, and 0.5 ms per running request; the least sum gets the request. How the rate is learned is not
 * described. Here it is tokens over time between first tokens, over all workers, recent ones counting most: the best of
 * what was tried. A moving average of each worker's single rates is far worse, because requests of one prefill pass
 * answer at the same moment.
 */
export class PrototypeBooks {
  readonly #workers: readonly PrototypeWorker[];
  readonly #inFlight = new Map<number, Pending>();
  #learnedTokens = priorTokens;
  #learnedMs = (1_000 * priorTokens) / priorTokensPerSecond;

  /** @param capacityBlocks KV pool of each worker in blocks */
  constructor(capacityBlocks: readonly number[]) {
    this.#workers = capacityBlocks.map((capacity) => ({
      cached: new Set(),
      pending: new Set(),
      capacityBlocks: capacity,
      headSinceMs: 0,
      runningRequests: 0,
    }));
  }

  /** Chooses a worker for a request and takes it into the books. */
  send(id: number, request: RoutingFacts, nowMs: number): { readonly index: number; readonly predictedMs: number } {
    const tokensPerMs = this.#learnedTokens / this.#learnedMs;
    let index = 0;
    let predictedMs = Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.#workers.length; i++) {
      const its = firstTokenMs(this.#workers[i]!, request, nowMs, tokensPerMs);
      if (its < predictedMs) [index, predictedMs] = [i, its];
    }
    const worker = this.#workers[index]!;
    const pending = { worker, uncachedTokens: uncachedTokens(worker, request) };
    if (worker.pending.size === 0) worker.headSinceMs = nowMs;
    worker.pending.add(pending);
    this.#inFlight.set(id, pending);
    remember(worker, request.chain);
    return { index, predictedMs };
  }

  firstToken(id: number, nowMs: number): void {
    const pending = this.#inFlight.get(id)!;
    const { worker } = pending;
    if (!worker.pending.delete(pending)) return; // It had its first token before.
    worker.runningRequests++;
    this.#learnedTokens = this.#learnedTokens * memory + pending.uncachedTokens;
    this.#learnedMs = this.#learnedMs * memory + nowMs - worker.headSinceMs;
    worker.headSinceMs = nowMs;
  }

  end(id: number): void {
    const pending = this.#inFlight.get(id);
    if (!pending) return;
    this.#inFlight.delete(id);
    if (!pending.worker.pending.delete(pending)) pending.worker.runningRequests--;
  }
}

function firstTokenMs(worker: PrototypeWorker, request: RoutingFacts, nowMs: number, tokensPerMs: number): number {
  let tokens = uncachedTokens(worker, request);
  let isHead = true;
  for (const { uncachedTokens } of worker.pending) {
    tokens += isHead ? Math.max(0, uncachedTokens - (nowMs - worker.headSinceMs) * tokensPerMs) : uncachedTokens;
    isHead = false;
  }
  return tokens / tokensPerMs + runningRequestMs * worker.runningRequests;
}

function uncachedTokens({ cached }: PrototypeWorker, { chain, promptTokens, tokensPerBlock }: RoutingFacts): number {
  const missing = chain.findIndex((block) => !cached.has(block));
  return Math.max(1, promptTokens - (missing < 0 ? chain.length : missing) * tokensPerBlock);
}

/** The first block last, so that a prompt is forgotten from its end. */
function remember({ cached, capacityBlocks }: PrototypeWorker, chain: readonly number[]): void {
  for (const block of chain.toReversed()) {
    cached.delete(block);
    cached.add(block);
  }
  for (const block of cached) {
    if (cached.size <= capacityBlocks) return;
    cached.delete(block);
  }
}
