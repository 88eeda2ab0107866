import fc from 'fast-check';
import { PrefixIndex } from '../../../runtime/router/policy/prefix-index.ts';

test('matches leading blocks only', () => {
  const index = new PrefixIndex(10);
  index.insert([1, 2, 3]);
  expect(index.matchedBlocks([1, 2, 9, 3])).toBe(2);
  expect(index.matchedBlocks([2, 3])).toBe(2);
  expect(index.matchedBlocks([7, 1])).toBe(0);
});

test('the end of the chain that was used longest ago goes first', () => {
  const index = new PrefixIndex(3);
  index.insert([1, 2]);
  index.insert([3, 4]);
  expect(index.matchedBlocks([1, 2])).toBe(1);
  expect(index.matchedBlocks([3, 4])).toBe(2);
});

test('agrees with a naive list of recent blocks, and never exceeds its bound', () => {
  const chains = fc.array(fc.uniqueArray(fc.integer({ min: 0, max: 20 }), { maxLength: 6 }), { maxLength: 30 });
  fc.assert(
    fc.property(chains, fc.integer({ min: 1, max: 12 }), (inserted, capacity) => {
      const index = new PrefixIndex(capacity);
      let recent: number[] = [];
      for (const chain of inserted) {
        index.insert(chain);
        recent = [...chain, ...recent.filter((block) => !chain.includes(block))].slice(0, capacity);
        expect(index.size).toBe(recent.length);
        for (let block = 0; block <= 20; block++)
          expect(index.matchedBlocks([block])).toBe(recent.includes(block) ? 1 : 0);
      }
    }),
  );
});
