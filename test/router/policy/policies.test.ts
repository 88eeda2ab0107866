import fc from 'fast-check';
import { createPolicy, policyNames } from '../../../runtime/router/policy/policies.ts';
import { chooseWorker, type RoutableWorker, rankWorkers } from '../../../runtime/router/policy/policy.ts';
import { powerOfTwo } from '../../../runtime/router/policy/power-of-two.ts';
import { PrefillQueue } from '../../../runtime/router/policy/prefill-queue.ts';
import { PrefixBudget } from '../../../runtime/router/policy/prefix-budget.ts';
import { PrefixIndex } from '../../../runtime/router/policy/prefix-index.ts';

const worker = (id: string, facts: Partial<RoutableWorker> = {}): RoutableWorker => ({
  id,
  inFlightRequests: 0,
  inFlightTokens: 0,
  kvTokens: 200_000,
  lastSentAtMs: 0,
  prefill: new PrefillQueue(),
  prefixes: new PrefixIndex(100, new PrefixBudget(1024 * 1024)),
  ...facts,
});

const request = { chain: [1, 2, 3, 4], promptTokens: 2_048, tokensPerBlock: 512 };

const order = (name: (typeof policyNames)[number], workers: RoutableWorker[]) =>
  rankWorkers(createPolicy(name), request, workers, 0).map((ranked) => ranked.worker.id);

describe('predicted-ttft', () => {
  test('prefers the worker that holds the prefix', () => {
    const warm = worker('warm');
    warm.prefixes.hold([1, 2, 3], 0);
    expect(order('predicted-ttft', [worker('cold'), warm])).toEqual(['warm', 'cold']);
  });

  test('leaves it when waiting there costs more than computing elsewhere', () => {
    const warm = worker('warm');
    warm.prefixes.hold([1, 2, 3], 0);
    warm.prefill.add(4_000, 0, true);
    expect(order('predicted-ttft', [warm, worker('cold')])).toEqual(['cold', 'warm']);
  });

  test('counts half a block beyond the ones that the worker holds', () => {
    const warm = worker('warm');
    warm.prefixes.hold([1, 2], 0);
    expect(chooseWorker(createPolicy('predicted-ttft'), request, [warm], 0)!.uncachedTokens).toBe(768);
  });

  test('pays a little waiting for not computing again what another worker has', () => {
    const warm = worker('warm');
    warm.prefixes.hold([1, 2, 3], 0);
    warm.prefill.add(2_400, 0, true);
    expect(order('predicted-ttft', [worker('cold'), warm])).toEqual(['warm', 'cold']);
  });

  test('avoids a worker whose KV pool is full', () => {
    const full = worker('full', { inFlightTokens: 200_000 });
    full.prefixes.hold([1], 0);
    expect(order('predicted-ttft', [full, worker('empty')])).toEqual(['empty', 'full']);
  });

  test('a worker that has answered nothing yet counts as fast as its group', () => {
    const known = worker('known');
    for (let period = 0; period < 8; period++) {
      known.prefill.firstToken(known.prefill.add(2_000, period * 10_000, true), period * 10_000 + 1_000);
    }
    const now = 100_000;
    known.prefill.add(2_000, now, true);
    const fresh = worker('fresh');
    fresh.prefill.add(2_100, now, true);
    const ranked = rankWorkers(createPolicy('predicted-ttft'), request, [known, fresh], now);
    expect(ranked.map((one) => one.worker.id)).toEqual(['known', 'fresh']);
    expect(ranked[1]!.score - ranked[0]!.score).toBeCloseTo(50);
  });

  test('spreads over equal workers', () => {
    expect(order('predicted-ttft', [worker('a', { lastSentAtMs: 5 }), worker('b', { lastSentAtMs: 3 })])).toEqual([
      'b',
      'a',
    ]);
  });
});

test('least-request takes the worker with the fewest in flight', () => {
  expect(order('least-request', [worker('busy', { inFlightRequests: 2 }), worker('free')])).toEqual(['free', 'busy']);
});

test('round-robin takes each in turn', () => {
  const policy = createPolicy('round-robin');
  const workers = ['a', 'b', 'c'].map((id) => worker(id));
  const firsts = [1, 2, 3, 4].map(() => chooseWorker(policy, request, workers, 0)!.worker.id);
  expect(firsts).toEqual(['a', 'b', 'c', 'a']);
});

test('power-of-two takes the less busy of two different workers', () => {
  const draws = [0, 0];
  const policy = powerOfTwo(() => draws.shift()!);
  const workers = [worker('a', { inFlightRequests: 2 }), worker('b', { inFlightRequests: 1 }), worker('c')];
  expect(chooseWorker(policy, request, workers, 0)!.worker.id).toBe('b');
});

describe('cache-aware', () => {
  test('follows a match of more than 30 % of the prompt, however busy its worker', () => {
    const warm = worker('warm', { inFlightRequests: 60 });
    warm.prefixes.hold([1, 2], 0);
    expect(order('cache-aware', [worker('cold'), warm])[0]).toBe('warm');
  });

  test('takes the least loaded for a smaller match, and when loads differ much', () => {
    const warm = worker('warm', { inFlightRequests: 1 });
    warm.prefixes.hold([1], 0);
    expect(order('cache-aware', [worker('cold'), warm])[0]).toBe('cold');
    const swamped = worker('swamped', { inFlightRequests: 65 });
    swamped.prefixes.hold([1, 2, 3, 4], 0);
    expect(order('cache-aware', [worker('cold'), swamped])[0]).toBe('cold');
  });
});

test('a choice knows how much less the best holder had to compute, whatever the policy', () => {
  const warm = worker('warm', { inFlightRequests: 5, lastSentAtMs: 9 });
  warm.prefixes.hold([1, 2, 3], 0);
  const busy = [worker('cold'), warm];
  const regretOf = (name: (typeof policyNames)[number]) => {
    const { uncachedTokens, leastUncachedTokens } = chooseWorker(createPolicy(name), request, busy, 0)!;
    return uncachedTokens - leastUncachedTokens;
  };
  expect(regretOf('least-request')).toBe(2_048 - 256);
  expect(regretOf('predicted-ttft')).toBe(0);
});

test('what is chosen is what an explanation ranks first', () => {
  const workers = fc.array(fc.record({ inFlightRequests: fc.nat(5), lastSentAtMs: fc.nat(3), tokens: fc.nat(9_000) }), {
    minLength: 1,
  });
  fc.assert(
    fc.property(
      workers,
      fc.constantFrom('predicted-ttft' as const, 'least-request' as const, 'cache-aware' as const),
      (facts, name) => {
        const list = facts.map(({ tokens, ...rest }, i) => {
          const one = worker(`w${i}`, rest);
          one.prefill.add(tokens, 0, true);
          return one;
        });
        const policy = createPolicy(name);
        const [first] = rankWorkers(policy, request, list, 5);
        expect(chooseWorker(policy, request, list, 5)).toEqual(first);
      },
    ),
  );
});

test.each(policyNames)('%s ranks every worker once, and copes with none', (name) => {
  expect(
    order(
      name,
      ['a', 'b', 'c'].map((id) => worker(id)),
    ).sort(),
  ).toEqual(['a', 'b', 'c']);
  expect(order(name, [])).toEqual([]);
});
