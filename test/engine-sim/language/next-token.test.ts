import fc from 'fast-check';
import {
  digestOf as digestOfIds,
  emptyDigest,
  extendDigest,
  nextWord,
  textEndsAfter,
} from '../../../runtime/engine-sim/language/next-token.ts';

const digestOf = (ids: readonly number[], digest = emptyDigest, position = 0) =>
  digestOfIds(Int32Array.from(ids), digest, position);
const ids = fc.array(fc.nat({ max: 31_000_000 }), { minLength: 1, maxLength: 50 });

test('a digest does not depend on where the sequence was cut', () => {
  fc.assert(
    fc.property(ids, ids, (left, right) => {
      const whole = digestOf([...left, ...right]);
      expect(digestOf(right, digestOf(left), left.length)).toBe(whole);
      const oneByOne = right.reduce((digest, id, i) => extendDigest(digest, id, left.length + i), digestOf(left));
      expect(oneByOne).toBe(whole);
    }),
  );
});

test('every single token decides what comes next', () => {
  fc.assert(
    fc.property(ids, fc.nat(), (sequence, at) => {
      const changed = sequence.with(at % sequence.length, sequence[at % sequence.length]! + 1);
      expect(digestOf(changed)).not.toBe(digestOf(sequence));
    }),
  );
});

test('long answers do not run in circles', () => {
  let digest = emptyDigest;
  const said: string[] = [];
  for (let i = 0; i < 50_000; i++) {
    const next = nextWord(digest);
    said.push(next.text);
    digest = extendDigest(digest, next.token, i);
  }
  const last = said.slice(-8).join('');
  expect(said.join('').indexOf(last)).toBe((said.length - 8) * 4);
});

test('texts end with the mean length asked for, and never when it is 0', () => {
  const lengths = Array.from({ length: 2_000 }, (_, seed) => {
    let digest = digestOf([seed]);
    for (let length = 0; ; length++) {
      if (textEndsAfter(digest, 100)) return length;
      digest = extendDigest(digest, nextWord(digest).token, 1 + length);
    }
  });
  const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
  expect(mean).toBeGreaterThan(90);
  expect(mean).toBeLessThan(110);
  expect(Array.from({ length: 10_000 }, (_, seed) => textEndsAfter(digestOf([seed]), 0))).not.toContain(true);
});
