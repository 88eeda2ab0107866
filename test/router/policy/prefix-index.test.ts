import fc from 'fast-check';
import { PrefixBudget } from '../../../runtime/router/policy/prefix-budget.ts';
import { type PrefixHold, PrefixIndex } from '../../../runtime/router/policy/prefix-index.ts';

/** A request with this prompt comes and goes. */
const serve = (index: PrefixIndex, chain: readonly number[], restBlocks = 0) =>
  index.release(index.hold(chain, restBlocks));

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
  serve(index, chainOf([1, 2, 3, 3, 0]));
  expect(index.matchedBlocks(chainOf([1, 2, 3, 0, 0, 0]))).toBe(3);
  expect(index.matchedBlocks(chainOf([1, 2, 3, 3, 0, 2, 2]))).toBe(5);
  expect(index.matchedBlocks(chainOf([2, 2, 3]))).toBe(0);
  expect(index.matchedBlocks([])).toBe(0);
});

test('the end of the prompt that was used longest ago goes first', () => {
  const index = new PrefixIndex(3, roomy());
  serve(index, chainOf([1, 2]));
  serve(index, chainOf([3, 3]));
  expect(index.matchedBlocks(chainOf([1, 2]))).toBe(1);
  expect(index.matchedBlocks(chainOf([3, 3]))).toBe(2);
});

test('a prompt longer than the cache is remembered by its beginning', () => {
  const index = new PrefixIndex(2, roomy());
  serve(index, chainOf([1, 1, 1, 1]));
  expect(index.matchedBlocks(chainOf([1, 1, 1, 1]))).toBe(2);
});

describe('as in the engine', () => {
  test('what a request in flight uses stays, however much comes after it', () => {
    const index = new PrefixIndex(3, roomy());
    const hold = index.hold(chainOf([1, 1]), 0);
    for (let i = 0; i < 10; i++) serve(index, chainOf([2, i % 3]));
    expect(index.matchedBlocks(chainOf([1, 1]))).toBe(2);
    index.release(hold);
    serve(index, chainOf([3, 3, 3]));
    expect(index.matchedBlocks(chainOf([1, 1]))).toBe(0);
  });

  test('a prompt counts as used when its request ends', () => {
    const index = new PrefixIndex(4, roomy());
    const long = index.hold(chainOf([1, 1]), 0);
    serve(index, chainOf([2, 2]));
    index.release(long);
    serve(index, chainOf([3, 3]));
    expect(index.matchedBlocks(chainOf([1, 1]))).toBe(2);
    expect(index.matchedBlocks(chainOf([2, 2]))).toBe(0);
  });

  test('answers and the ends of prompts take room, and leave before the prompt they belong to', () => {
    const index = new PrefixIndex(4, roomy());
    serve(index, chainOf([1, 1]), 1.5);
    serve(index, chainOf([2, 2]));
    expect(index.matchedBlocks(chainOf([1, 1]))).toBe(2);
    index.hold(chainOf([2, 2]), 1.5);
    expect(index.matchedBlocks(chainOf([1, 1]))).toBe(0);
  });

  test('a request that ends after its worker lost its cache brings nothing back', () => {
    const index = new PrefixIndex(4, roomy());
    const hold = index.hold(chainOf([1, 1]), 1);
    index.clear();
    const next = index.hold(chainOf([1]), 0);
    index.release(hold);
    for (let i = 0; i < 3; i++) serve(index, chainOf([2, 2, 2, 2]));
    expect(index.matchedBlocks(chainOf([1, 1]))).toBe(1);
    index.release(next);
  });
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
        serve(index, chain);
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
        if (action === 'insert') serve(index, chainOf(symbols));
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

test('with requests in flight all that is held of a prompt is a leading part of it, and the books close', () => {
  const script = fc.array(
    fc.record({
      symbols: fc.array(fc.nat(2), { maxLength: 6 }),
      restBlocks: fc.integer({ min: 0, max: 2 }),
      action: fc.constantFrom('hold', 'hold', 'release', 'clear', 'evict'),
      which: fc.nat(5),
    }),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(script, fc.integer({ min: 1, max: 10 }), (steps, capacity) => {
      const budget = roomy();
      const index = new PrefixIndex(capacity, budget);
      const holds: PrefixHold[] = [];
      for (const { symbols, restBlocks, action, which } of steps) {
        if (action === 'hold') holds.push(index.hold(chainOf(symbols), restBlocks));
        else if (action === 'release') for (const hold of holds.splice(which, 1)) index.release(hold);
        else if (action === 'clear') index.clear();
        else budget.changed(-index.evict(which));
        expect(budget.size).toBe(index.size);
        for (const { symbols: other } of steps) {
          const chain = chainOf(other);
          const held = index.matchedBlocks(chain);
          for (let blocks = 1; blocks <= chain.length; blocks++) {
            expect(index.matchedBlocks(chain.slice(0, blocks))).toBe(Math.min(blocks, held));
          }
        }
      }
      for (const hold of holds) index.release(hold);
      expect(index.size).toBeLessThanOrEqual(capacity);
      index.close();
      expect(budget.size).toBe(0);
    }),
  );
});

test('the budget takes from whoever used a block longest ago', () => {
  const budget = new PrefixBudget(4 * 64);
  const [first, second] = [new PrefixIndex(8, budget), new PrefixIndex(8, budget)];
  serve(first, chainOf([1, 1]));
  serve(second, chainOf([2, 2]));
  serve(first, chainOf([3]));
  expect(first.matchedBlocks(chainOf([1, 1]))).toBe(1);
  expect(second.size).toBe(2);
});
