import fc from 'fast-check';
import { formatDuration } from '../../../runtime/router/admission/rate-limit-headers.ts';
import { TokenBucket } from '../../../runtime/router/admission/token-bucket.ts';

test('a bucket starts with a minute of its limit and fills evenly', () => {
  const bucket = new TokenBucket(60, 0);
  bucket.take(60, 0);
  expect(bucket.level(1_000)).toBeCloseTo(1);
  expect(bucket.level(30_500)).toBeCloseTo(30.5);
  expect(bucket.level(1_000_000)).toBe(60);
});

test('a request above the whole limit needs a full bucket and leaves a debt', () => {
  const bucket = new TokenBucket(100, 0);
  expect(bucket.msUntil(250, 0)).toBe(0);
  bucket.take(250, 0);
  expect(bucket.level(0)).toBe(-150);
  expect(bucket.msUntil(1, 0)).toBeCloseTo(90_600);
});

test('tokens that were reserved and not used come back, never above the limit', () => {
  const bucket = new TokenBucket(100, 0);
  bucket.take(80, 0);
  bucket.take(-30, 0);
  expect(bucket.level(0)).toBe(50);
  bucket.take(-90, 0);
  expect(bucket.level(0)).toBe(100);
});

test('a limit that changes keeps what was used', () => {
  const bucket = new TokenBucket(100, 0);
  bucket.take(60, 0);
  bucket.resize(200, 0);
  expect(bucket.level(0)).toBe(140);
  bucket.resize(50, 0);
  expect(bucket.level(0)).toBe(-10);
});

test('who waits as long as told gets through, and over any time no more than the limit and one request over it does', () => {
  const request = fc.record({ cost: fc.integer({ min: 0, max: 500 }), waitMs: fc.integer({ min: 0, max: 20_000 }) });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000 }), fc.array(request, { maxLength: 60 }), (perMinute, requests) => {
      const bucket = new TokenBucket(perMinute, 0);
      let nowMs = 0;
      let taken = 0;
      for (const { cost, waitMs } of requests) {
        nowMs += waitMs;
        const msUntil = bucket.msUntil(cost, nowMs);
        expect(msUntil > 0).toBe(bucket.level(nowMs) < Math.min(cost, perMinute) - 1e-6);
        nowMs += msUntil;
        expect(bucket.msUntil(cost, nowMs)).toBe(0);
        bucket.take(cost, nowMs);
        taken += cost;
        expect(taken).toBeLessThanOrEqual(
          perMinute + (perMinute * nowMs) / 60_000 + Math.max(0, cost - perMinute) + 1e-3,
        );
      }
    }),
  );
});

test.each([
  [0, '0s'],
  [0.4, '1ms'],
  [120, '120ms'],
  [1_500, '1.5s'],
  [59_999.2, '1m0s'],
  [360_000, '6m0s'],
])('%d ms is written as %s', (ms, text) => expect(formatDuration(ms)).toBe(text));
