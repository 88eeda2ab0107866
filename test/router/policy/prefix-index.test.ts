import fc from 'fast-check';
import { PrefixBudget } from '../../../runtime/router/policy/prefix-budget.ts';
import { PrefixIndex } from '../../../runtime/router/policy/prefix-index.ts';

const roomy = () => new PrefixBudget(1024 * 1024);

/** A prompt's chain as rolling hashes make it: equal prefixes are equal entries, and entries differ by what is before. */
const chainOf = (symbols: readonly number[]) => {
  let hash = 0;
  return symbols.map((symbol) => {
    hash = hash * 5 + symbol + 1;
    return hash;
  });
};

test('matches what two prompts have in common from their start', () => {
  const index = new PrefixIndex(10, roomy());
  index.insert(chainOf([1, 2, 3, 3, 0]));
  expect(index.matchedBlocks(chainOf([1, 2, 3, 0, 0, 0]))).toBe(3);
  expect(index.matchedBlocks(chainOf([1, 2, 3, 3, 0, 2, 2]))).toBe(5);
  expect(index.matchedBlocks(chainOf([2, 2, 3]))).toBe(0);
  expect(index.matchedBlocks([])).toBe(0);
});

test('the end of the prompt that was used longest ago goes first', () => {
  const index = new PrefixIndex(3, roomy());
  index.insert(chainOf([1, 2]));
  index.insert(chainOf([3, 3]));
  expect(index.matchedBlocks(chainOf([1, 2]))).toBe(1);
  expect(index.matchedBlocks(chainOf([3, 3]))).toBe(2);
});

test('a prompt longer than the cache is remembered by its beginning', () => {
  const index = new PrefixIndex(2, roomy());
  index.insert(chainOf([1, 1, 1, 1]));
  expect(index.matchedBlocks(chainOf([1, 1, 1, 1]))).toBe(2);
});

/** Steps on several workers that share one budget. */
const steps = fc.array(
  fc.record({
    worker: fc.nat(2),
    symbols: fc.array(fc.nat(3), { maxLength: 6 }),
    action: fc.constantFrom('insert', 'insert', 'insert', 'clear', 'resize'),
  }),
  { maxLength: 40 },
);

test('agrees with a naive list of recent blocks, one worker at a time', () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 12 }), (script, capacity) => {
      const index = new PrefixIndex(capacity, roomy());
      let recent: number[] = [];
      for (const { symbols } of script) {
        const chain = chainOf(symbols);
        index.insert(chain);
        recent = [...chain, ...recent.filter((block) => !chain.includes(block))].slice(0, capacity);
        expect(index.size).toBe(recent.length);
        for (const other of script) {
          const probe = chainOf(other.symbols);
          const naive = probe.findIndex((block) => !recent.includes(block));
          expect(index.matchedBlocks(probe)).toBe(naive < 0 ? probe.length : naive);
        }
      }
    }),
  );
});

test('all workers together never exceed the budget, and a worker that leaves takes its blocks with it', () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 10 }), (script, maxBlocks) => {
      const budget = new PrefixBudget(maxBlocks * 64);
      const indexes = [0, 1, 2].map(() => new PrefixIndex(8, budget));
      for (const { worker, symbols, action } of script) {
        const index = indexes[worker]!;
        if (action === 'insert') index.insert(chainOf(symbols));
        else if (action === 'clear') index.clear();
        else index.resize(1 + symbols.length);
        expect(budget.size).toBe(indexes.reduce((sum, { size }) => sum + size, 0));
        expect(budget.size).toBeLessThanOrEqual(maxBlocks);
      }
      for (const index of indexes) index.close();
      expect(budget.size).toBe(0);
    }),
  );
});

test('the budget takes from whoever used a block longest ago', () => {
  const budget = new PrefixBudget(4 * 64);
  const [first, second] = [new PrefixIndex(8, budget), new PrefixIndex(8, budget)];
  first.insert(chainOf([1, 1]));
  second.insert(chainOf([2, 2]));
  first.insert(chainOf([3]));
  expect(first.matchedBlocks(chainOf([1, 1]))).toBe(1);
  expect(second.size).toBe(2);
});
