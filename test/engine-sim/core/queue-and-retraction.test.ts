import { RecordedEngine } from './recorded-engine.ts';

test('a request beyond the bound of the waiting queue is refused at once, without work', () => {
  const engine = new RecordedEngine({ maxRunningRequests: 1, maxQueuedRequests: 1 });
  engine.submit({ rid: 'runs', prompt: 10, maxNewTokens: 10 });
  engine.core.advanceTo(0);
  engine.submit({ rid: 'waits', prompt: 10, at: 1 });
  engine.submit({ rid: 'refused', prompt: 10, at: 2 });
  expect(engine.of('rejected')).toEqual([
    { kind: 'rejected', at: 2, rid: 'refused', reason: 'queue-full', generatedTokens: 0 },
  ]);
  engine.runUntilIdle();
  expect(engine.finish('waits')).toBeDefined();
  expect(engine.finish('refused')).toBeUndefined();
});

/** Two requests that are admitted on the hope that they stop early and together outgrow the pool. */
function outgrowingEngine(maxQueuedRequests?: number): RecordedEngine {
  const engine = new RecordedEngine({ maxTotalTokens: 300, maxQueuedRequests });
  engine.submit({ rid: 'first', prompt: 50, maxNewTokens: 116 });
  engine.submit({ rid: 'second', prompt: 50, maxNewTokens: 115, at: 70 });
  return engine;
}

test('when the pool is full the request with the least output goes back to the queue and loses no token', () => {
  const engine = outgrowingEngine();
  engine.runUntilIdle();
  expect(engine.of('retracted')).toMatchObject([{ rid: 'second' }]);
  expect(engine.finish('first')).toMatchObject({ reason: 'length', generatedTokens: 116 });
  expect(engine.finish('second')).toMatchObject({ reason: 'length', generatedTokens: 115 });
  const positions = engine.of('token').filter((event) => event.rid === 'second');
  expect(positions.map((event) => event.position)).toEqual(Array.from({ length: 115 }, (_, position) => position));
  expect(engine.core.snapshot().totals.retractions).toBe(1);
});

test('a retracted request computes its generated tokens again before it gets the next one', () => {
  const engine = outgrowingEngine();
  engine.runUntilIdle();
  const { generatedTokens, at } = engine.of('retracted')[0]!;
  const again = engine.of('prefill-report').at(-1)!;
  expect(generatedTokens).toBeGreaterThan(50);
  expect(again.at).toBeGreaterThan(at);
  expect(again.newTokens + again.cachedTokens).toBe(50 + generatedTokens);
  expect(again.newTokens).toBeGreaterThanOrEqual(generatedTokens);
  expect(engine.tokenTimes('second')[generatedTokens]).toBe(again.at);
});

test('a retracted request that finds the bounded queue full is refused late and its work is lost', () => {
  const engine = outgrowingEngine(1);
  engine.submit({ rid: 'waits', prompt: 150, maxNewTokens: 10, at: 200 });
  engine.runUntilIdle();
  const { at, generatedTokens } = engine.of('retracted')[0]!;
  expect(engine.of('rejected')).toEqual([
    { kind: 'rejected', at, rid: 'second', reason: 'queue-full', generatedTokens },
  ]);
  expect(generatedTokens).toBeGreaterThan(50);
  expect(engine.finish('second')).toBeUndefined();
  expect(engine.finish('waits')).toMatchObject({ reason: 'length' });
  expect(engine.core.snapshot()).toMatchObject({ runningRequests: 0, waitingRequests: 0, usedTokens: 0 });
});

/**
 * What a real 0.5.23 did with 6 running and 2 queued requests allowed, a pool of 3,000 tokens and 12 requests 50 ms
 * apart: 4 ran, 2 waited, 6 were refused at once, and the fourth was refused after 24 s of decoding. Lengths and step
 * time are chosen to fit what was seen.
 */
test('a real server under a bounded queue and a small pool: four run, two wait, six are refused, the fourth falls late', () => {
  const engine = new RecordedEngine({
    maxTotalTokens: 3_000,
    maxRunningRequests: 6,
    maxQueuedRequests: 2,
    prefillTokensPerSecond: 5_000,
    decodeStepMs: 37,
  });
  for (let index = 0; index < 12; index++) {
    engine.submit({ rid: `q${index}`, prompt: 113, maxNewTokens: 800, at: 50 * index });
  }
  engine.core.advanceTo(1_000);
  expect(engine.core.snapshot()).toMatchObject({ runningRequests: 4, waitingRequests: 2 });
  expect(engine.of('rejected').map(({ rid }) => rid)).toEqual(['q6', 'q7', 'q8', 'q9', 'q10', 'q11']);
  engine.runUntilIdle();
  const late = engine.of('rejected').at(-1)!;
  expect(late).toMatchObject({ rid: 'q3' });
  expect(late.at).toBeGreaterThan(20_000);
  expect(late.generatedTokens).toBeGreaterThan(500);
  expect(engine.of('finished').map(({ rid }) => rid)).toEqual(['q0', 'q1', 'q2', 'q4', 'q5']);
});
