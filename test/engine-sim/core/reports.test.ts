import { RecordedEngine } from './recorded-engine.ts';

test('a prefill report says what its batch found when it was put together', () => {
  const engine = new RecordedEngine({ maxTotalTokens: 20_000, chunkedPrefillTokens: 300 });
  engine.submit({ rid: 'a', prompt: 255, maxNewTokens: 10 });
  engine.submit({ rid: 'b', prompt: 245, at: 260 });
  engine.submit({ rid: 'c', prompt: 100, at: 260 });
  engine.core.advanceTo(600);
  expect(engine.of('prefill-report')).toEqual([
    {
      kind: 'prefill-report',
      at: 255,
      newSequences: 1,
      newTokens: 255,
      cachedTokens: 0,
      tokenUsage: 255 / 20_000,
      runningRequests: 0,
      queuedRequests: 0,
      pendingTokens: 0,
      inputTokensPerSecond: 1_000,
    },
    {
      kind: 'prefill-report',
      at: 565,
      newSequences: 2,
      newTokens: 300,
      cachedTokens: 0,
      tokenUsage: 556 / 20_000,
      runningRequests: 1,
      queuedRequests: 0,
      pendingTokens: 45,
      inputTokensPerSecond: 300 / 0.31,
    },
  ]);
});

test('a decode report comes every so many decode steps, with the tokens per second since the last one', () => {
  const engine = new RecordedEngine({ decodeLogInterval: 10, maxTotalTokens: 1_000 });
  engine.submit({ rid: 'a', prompt: 50, maxNewTokens: 26 });
  engine.submit({ rid: 'b', prompt: 50, maxNewTokens: 26 });
  engine.runUntilIdle();
  expect(engine.of('decode-report')).toMatchObject([
    {
      at: 200,
      runningRequests: 2,
      usedTokens: 120,
      tokenUsage: 0.12,
      generatedTokensPerSecond: 100,
      queuedRequests: 0,
    },
    {
      at: 300,
      runningRequests: 2,
      usedTokens: 140,
      tokenUsage: 0.14,
      generatedTokensPerSecond: 200,
      queuedRequests: 0,
    },
  ]);
});

test('an idle engine is silent and its snapshot shows no throughput', () => {
  const engine = new RecordedEngine();
  engine.submit({ rid: 'a', prompt: 50, maxNewTokens: 30 });
  engine.runUntilIdle();
  const reports = engine.events.length;
  engine.core.advanceTo(1_000_000);
  expect(engine.events).toHaveLength(reports);
  expect(engine.core.nextEventAt()).toBeUndefined();
  expect(engine.core.snapshot()).toMatchObject({
    generatedTokensPerSecond: 0,
    usedTokens: 0,
    evictableTokens: 79,
    totals: { promptTokens: 50, cachedTokens: 0, generatedTokens: 30, finishedRequests: 1 },
  });
});
