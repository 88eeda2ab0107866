import { RecordedEngine } from './recorded-engine.ts';

const idle = { runningRequests: 0, waitingRequests: 0, pendingTokens: 0, usedTokens: 0 };

test('a waiting request is aborted without having done work', () => {
  const engine = new RecordedEngine({ maxRunningRequests: 1 });
  engine.submit({ rid: 'runs', prompt: 10, maxNewTokens: 10 });
  engine.submit({ rid: 'waits', prompt: 10 });
  expect(engine.core.abort('waits', 50)).toBe(true);
  expect(engine.finish('waits')).toMatchObject({ at: 50, reason: 'abort', generatedTokens: 0 });
  engine.runUntilIdle();
  expect(engine.core.snapshot()).toMatchObject(idle);
  expect(engine.tokenTimes('waits')).toEqual([]);
});

test('a request in the middle of its chunks is aborted and the chunks that were computed stay cached', () => {
  const engine = new RecordedEngine({ chunkedPrefillTokens: 100 });
  const prompt = Array.from({ length: 300 }, (_, position) => position);
  engine.submit({ rid: 'long', prompt });
  expect(engine.core.abort('long', 150)).toBe(true);
  expect(engine.core.snapshot()).toMatchObject({ ...idle, evictableTokens: 100 });
  expect(engine.runUntilIdle()).toBe(200);
  expect(engine.core.cachedPrefixTokens(prompt)).toBe(100);
});

test('a decoding request is aborted, the others go on', () => {
  const engine = new RecordedEngine();
  engine.submit({ rid: 'a', prompt: 10, maxNewTokens: 100 });
  engine.submit({ rid: 'b', prompt: 10, maxNewTokens: 100 });
  expect(engine.core.abort('a', 45)).toBe(true);
  expect(engine.finish('a')).toMatchObject({ at: 45, reason: 'abort', generatedTokens: 3 });
  engine.runUntilIdle();
  expect(engine.tokenTimes('a')).toHaveLength(3);
  expect(engine.finish('b')).toMatchObject({ reason: 'length', generatedTokens: 100 });
  expect(engine.core.snapshot().totals).toMatchObject({ finishedRequests: 1, abortedRequests: 1 });
});

test('an abort makes room for the request that waited for memory', () => {
  const engine = new RecordedEngine({ maxTotalTokens: 200 });
  engine.submit({ rid: 'a', prompt: 100, maxNewTokens: 50 });
  engine.submit({ rid: 'b', prompt: 100, maxNewTokens: 50 });
  engine.core.abort('a', 105);
  engine.runUntilIdle();
  expect(engine.firstTokenAt('b')).toBe(210);
});

test('aborting an unknown or ended request says so and emits nothing', () => {
  const engine = new RecordedEngine();
  engine.submit({ rid: 'a', prompt: 10 });
  engine.runUntilIdle();
  const before = engine.events.length;
  expect(engine.core.abort('a', 100)).toBe(false);
  expect(engine.core.abort('never', 100)).toBe(false);
  expect(engine.events).toHaveLength(before);
});
