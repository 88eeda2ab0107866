import { createPolicy, policyNames } from '../../../runtime/router/policy/policies.ts';
import type { RoutableWorker } from '../../../runtime/router/policy/policy.ts';
import { PrefillQueue } from '../../../runtime/router/policy/prefill-queue.ts';
import { PrefixBudget } from '../../../runtime/router/policy/prefix-budget.ts';
import { PrefixIndex } from '../../../runtime/router/policy/prefix-index.ts';

const worker = (id: string, facts: Partial<RoutableWorker> = {}): RoutableWorker => ({
  id,
  inFlightRequests: 0,
  lastSentAtMs: 0,
  prefill: new PrefillQueue(),
  prefixes: new PrefixIndex(100, new PrefixBudget(1024 * 1024)),
  ...facts,
});

const request = { chain: [1, 2, 3, 4], promptTokens: 2_048, tokensPerBlock: 512 };

const order = (name: (typeof policyNames)[number], workers: RoutableWorker[]) =>
  createPolicy(name)
    .rank(request, workers, 0)
    .map((ranked) => ranked.worker.id);

describe('predicted-ttft', () => {
  test('prefers the worker that holds the prefix', () => {
    const warm = worker('warm');
    warm.prefixes.insert([1, 2, 3]);
    expect(order('predicted-ttft', [worker('cold'), warm])).toEqual(['warm', 'cold']);
  });

  test('leaves it when waiting there costs more than computing elsewhere', () => {
    const warm = worker('warm');
    warm.prefixes.insert([1, 2, 3]);
    warm.prefill.add(4_000, 0, true);
    expect(order('predicted-ttft', [warm, worker('cold')])).toEqual(['cold', 'warm']);
  });

  test('says what it expects: uncached tokens and ms', () => {
    const warm = worker('warm');
    warm.prefixes.insert([1, 2]);
    const [best] = createPolicy('predicted-ttft').rank(request, [warm], 0);
    expect(best).toMatchObject({ uncachedTokens: 1_024, score: 128 });
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
  const firsts = [1, 2, 3, 4].map(() => policy.rank(request, workers, 0)[0]!.worker.id);
  expect(firsts).toEqual(['a', 'b', 'c', 'a']);
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
