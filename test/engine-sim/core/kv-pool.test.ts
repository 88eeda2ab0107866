import fc from 'fast-check';
import { KvPool } from '../../../runtime/engine-sim/core/kv-pool.ts';
import { newRequestState, type RequestState } from '../../../runtime/engine-sim/core/request-state.ts';

const action = fc.record({
  do: fc.constantFrom('admit', 'compute', 'share', 'end', 'retract', 'make-room'),
  tokens: fc.array(fc.nat(2), { minLength: 2, maxLength: 30 }),
  which: fc.nat(),
  count: fc.integer({ min: 1, max: 10 }),
});

/** Entries that must be in use: what each request has for itself, and every pinned prefix once. */
function naiveUsedTokens(held: readonly RequestState[]): number {
  const shared = new Set<string>();
  let own = 0;
  for (const request of held) {
    const sharedTokens = request.prefix!.depthTokens;
    own += request.kvTokens - sharedTokens;
    for (let length = 1; length <= sharedTokens; length++) shared.add(request.tokens.slice(0, length).join());
  }
  return own + shared.size;
}

test('every entry of the pool is free, evictable or held, whatever happens to its requests', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 80 }), fc.integer({ min: 1, max: 4 }), (actions, blockTokens) => {
      const pool = new KvPool(60, blockTokens);
      let held: RequestState[] = [];
      for (const { do: kind, tokens, which, count } of actions) {
        const request = held[which % Math.max(held.length, 1)];
        if (kind === 'make-room') pool.makeRoom(count);
        else if (kind === 'admit') held.push(admit(pool, tokens));
        else if (request && kind === 'compute') compute(pool, request, count);
        else if (request && kind === 'share') pool.shareComputed(request);
        else if (request) {
          if (kind === 'end') pool.shareComputed(request);
          pool.release(request);
          held = held.filter((other) => other !== request);
        }
        expect(pool.usedTokens).toBe(naiveUsedTokens(held));
        expect(pool.freeTokens).toBeGreaterThanOrEqual(0);
        expect(pool.freeTokens + pool.evictableTokens + pool.usedTokens).toBe(pool.maxTokens);
      }
      for (const request of held) pool.release(request);
      expect(pool.usedTokens).toBe(0);
      pool.clear();
      expect(pool.freeTokens).toBe(pool.maxTokens);
    }),
    { numRuns: 300 },
  );
});

function admit(pool: KvPool, tokens: readonly number[]): RequestState {
  const request = newRequestState({ rid: 'any', prompt: tokens, maxNewTokens: 1, generate: neverCalled }, 1);
  const cached = pool.attachPrefix(request);
  expect(cached).toBeLessThan(tokens.length);
  return request;
}

/** A pass over the next tokens of a prompt, as far as the pool can hold them. */
function compute(pool: KvPool, request: RequestState, count: number): void {
  const left = request.promptTokens - request.kvTokens;
  const taken = Math.min(count, left, pool.availableTokens);
  if (taken <= 0) return;
  pool.allocate(request, taken);
  request.computedTokens = request.kvTokens;
}

function neverCalled(): never {
  throw new Error('The pool generates nothing');
}

test('allocating more than is free or evictable is a mistake of the caller', () => {
  const pool = new KvPool(10, 1);
  const request = admit(pool, [1, 2, 3]);
  expect(() => pool.allocate(request, 11)).toThrow('KV pool: 11 tokens wanted, 10 free');
});
