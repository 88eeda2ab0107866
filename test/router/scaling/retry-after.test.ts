import { retryAfterSeconds } from '../../../runtime/router/scaling/retry-after.ts';

const starting = { sinceMs: 10_000, expectedMs: 90_000 };

test('nothing is known to start: the usual five seconds', () => {
  expect(retryAfterSeconds({ sinceMs: undefined, expectedMs: 90_000 }, 50_000)).toBe(5);
});

test('a client comes back when the first worker is expected', () => {
  expect(retryAfterSeconds(starting, 60_500)).toBe(40);
});

test('but within a minute, beyond which OpenAI clients ignore what they are told', () => {
  expect(retryAfterSeconds(starting, 10_000)).toBe(55);
});

test('and not at once when a start takes longer than the last one', () => {
  expect(retryAfterSeconds(starting, 99_000)).toBe(5);
  expect(retryAfterSeconds(starting, 500_000)).toBe(5);
});
