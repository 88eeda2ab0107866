import type { RadixNode } from './radix-tree.ts';
import type { CoreRequest } from './types.ts';

/** Where a request is. `prefilling` spans all chunks of its prompt; `ended` is final. */
export type RequestPhase = 'waiting' | 'prefilling' | 'running' | 'ended';

/** A request in flight, as the scheduler sees it. All counts are tokens. */
export interface RequestState {
  readonly rid: string;
  readonly generate: CoreRequest['generate'];
  readonly promptTokens: number;
  /** The request's own bound, cut to what the pool can hold. */
  readonly maxNewTokens: number;
  phase: RequestPhase;
  /** Prompt, then generated tokens, then room to grow; the caller's own prompt until the first token is generated. */
  tokens: Int32Array;
  generatedTokens: number;
  /** End of its pinned path in the prefix cache; undefined while it holds nothing. */
  prefix: RadixNode | undefined;
  /** KV entries that it holds: the pinned prefix and its own, including those that the pass under way fills. */
  kvTokens: number;
  /** KV entries whose computation ended. */
  computedTokens: number;
  /** Prompt tokens that its first admission found in the cache. */
  cachedTokens: number;
  /** Times that it was sent back to the queue. */
  retractions: number;
}

/** Room for generated tokens, made with the first one; it grows by half of what was generated. */
const initialGeneratedRoom = 256;

/** @param maxNewTokens the request's bound cut to what the pool can hold */
export function newRequestState(request: CoreRequest, maxNewTokens: number): RequestState {
  const { prompt } = request;
  return {
    rid: request.rid,
    generate: request.generate,
    promptTokens: request.prompt.length,
    maxNewTokens,
    phase: 'waiting',
    tokens: prompt instanceof Int32Array ? prompt : Int32Array.from(prompt),
    generatedTokens: 0,
    prefix: undefined,
    kvTokens: 0,
    computedTokens: 0,
    cachedTokens: 0,
    retractions: 0,
  };
}

/** Tokens that a prefill must cover before the next one can be generated: the prompt, after a retraction also its output. */
export function tokensToFill(request: RequestState): number {
  return request.promptTokens + request.generatedTokens;
}

/** What no pass so far has computed or is computing. */
export function tokensLeftToFill(request: RequestState): number {
  return tokensToFill(request) - request.kvTokens;
}

export function appendGenerated(request: RequestState, token: number): void {
  const position = request.promptTokens + request.generatedTokens;
  if (position === request.tokens.length) {
    const room = Math.min(initialGeneratedRoom + (request.generatedTokens >> 1), request.maxNewTokens);
    const grown = new Int32Array(request.tokens.length + room);
    grown.set(request.tokens);
    request.tokens = grown;
  }
  request.tokens[position] = token;
  request.generatedTokens++;
}
