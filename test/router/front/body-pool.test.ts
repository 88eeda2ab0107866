import fc from 'fast-check';
import { BodyCollector } from '../../../runtime/router/front/body-collector.ts';
import { BodyPool, HeldBody } from '../../../runtime/router/front/body-pool.ts';
import { CodedError } from '../../../runtime/shared/errors.ts';

const mebibyte = 1024 * 1024;

test('a buffer is used again for the next body of its size, once', () => {
  const pool = new BodyPool(mebibyte);
  const first = pool.take(20_000);
  expect(pool.take(20_000)).not.toBe(first);
  pool.give(first);
  expect(pool.freeBytes).toBe(first.length);
  expect(pool.take(30_000)).toBe(first);
  expect(pool.take(30_000)).not.toBe(first);
  expect(pool.freeBytes).toBe(0);
});

test.each([0, 1, 16_383, 16_384, 16_385, 65_536, mebibyte + 1, 4 * mebibyte, 4 * mebibyte + 1])(
  'a buffer for %d bytes has room for them',
  (bytes) => {
    expect(new BodyPool(0).take(bytes).length).toBeGreaterThanOrEqual(bytes);
  },
);

test('no more is kept than the pool may keep', () => {
  const pool = new BodyPool(100_000);
  const buffers = [pool.take(65_536), pool.take(65_536)];
  for (const buffer of buffers) pool.give(buffer);
  expect(pool.freeBytes).toBe(65_536);
});

test("small bodies, which share Node's slabs, and very large ones are not kept", () => {
  const pool = new BodyPool(64 * mebibyte);
  for (const bytes of [0, 100, 16_383, 4 * mebibyte + 1, 5_000_000]) pool.give(pool.take(bytes));
  expect(pool.freeBytes).toBe(0);
});

test('a body returns its buffer when the last holder lets go', () => {
  const pool = new BodyPool(mebibyte);
  const buffer = pool.take(16_384);
  const body = new HeldBody(buffer, 10_000, pool);
  expect(body.bytes).toHaveLength(10_000);
  body.retain();
  body.release();
  expect(pool.freeBytes).toBe(0);
  body.release();
  expect(pool.freeBytes).toBe(16_384);
});

type Step = { readonly do: 'take' | 'retain' | 'release' | 'drop'; readonly pick: number; readonly bytes: number };

const step: fc.Arbitrary<Step> = fc.record({
  do: fc.constantFrom('take', 'take', 'retain', 'release', 'release', 'drop'),
  pick: fc.nat(),
  bytes: fc.oneof(fc.integer({ min: 0, max: 70_000 }), fc.constantFrom(16_383, 16_384, 16_385, 32_768, 65_536)),
});

test('whoever holds a body, nobody else is given its memory', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 0, max: 300_000 }), (steps, maxFreeBytes) => {
      const pool = new BodyPool(maxFreeBytes);
      const open: { body: HeldBody; holders: number; mark: number }[] = [];
      for (const [mark, { do: what, pick, bytes }] of steps.entries()) {
        const place = pick % Math.max(1, open.length);
        const held = open[place];
        if (what === 'take') {
          const body = new HeldBody(pool.take(bytes), bytes, pool);
          body.bytes.fill(mark);
          open.push({ body, holders: 1, mark });
        } else if (held && what === 'retain') {
          held.body.retain();
          held.holders++;
        } else if (held && what === 'release') {
          held.body.release();
          if (--held.holders === 0) open.splice(place, 1);
        } else if (held) open.splice(place, 1); // A holder that never lets go.
        expect(pool.freeBytes).toBeLessThanOrEqual(maxFreeBytes);
        for (const { body, mark } of open) expect(body.bytes.every((byte) => byte === mark)).toBe(true);
      }
    }),
  );
});

test('a body that comes in pieces is what was sent, whatever was announced', () => {
  const pieces = fc.array(fc.integer({ min: 0, max: 30_000 }), { maxLength: 20 });
  fc.assert(
    fc.property(pieces, fc.boolean(), (sizes, isAnnounced) => {
      const pool = new BodyPool(mebibyte);
      const total = sizes.reduce((sum, size) => sum + size, 0);
      pool.give(pool.take(65_536).fill(0xff)); // What an earlier body left behind.
      const collector = new BodyCollector(pool, total, isAnnounced ? total : undefined);
      const parts = sizes.map((size, i) => Buffer.alloc(size, i + 1));
      for (const part of parts) collector.push(part);
      expect(collector.finish().bytes.equals(Buffer.concat(parts))).toBe(true);
    }),
    { numRuns: 50 },
  );
});

test('a body past the limit is refused before it is stored', () => {
  const collector = new BodyCollector(new BodyPool(0), 10, undefined);
  collector.push(Buffer.alloc(10));
  expect(() => collector.push(Buffer.alloc(1))).toThrow(CodedError);
});

test('memory follows what arrived, not what was announced', () => {
  const pool = new BodyPool(64 * mebibyte);
  const collector = new BodyCollector(pool, 64 * mebibyte, 64 * mebibyte);
  collector.push(Buffer.alloc(1_000));
  collector.drop();
  expect(pool.freeBytes).toBeLessThanOrEqual(mebibyte);
});

test('a body that was dropped gives its buffer back once', () => {
  const pool = new BodyPool(mebibyte);
  const collector = new BodyCollector(pool, mebibyte, 20_000);
  collector.drop();
  collector.drop();
  expect(pool.freeBytes).toBe(32_768);
});
