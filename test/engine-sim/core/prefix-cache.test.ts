import { generatedToken, RecordedEngine } from './recorded-engine.ts';

const tokens = (from: number, count: number) => Array.from({ length: count }, (_, index) => from + index);

test('a cached prefix shortens the time to first token', () => {
  const engine = new RecordedEngine();
  engine.submit({ rid: 'first', prompt: tokens(0, 500) });
  engine.runUntilIdle();
  engine.submit({ rid: 'second', prompt: [...tokens(0, 400), ...tokens(9_000, 100)], at: 1_000 });
  engine.runUntilIdle();
  expect(engine.firstTokenAt('second')).toBe(1_100);
  expect(engine.finish('second')).toMatchObject({ cachedTokens: 400 });
});

test('the same prompt again computes its last token only', () => {
  const engine = new RecordedEngine();
  for (const rid of ['a', 'b']) {
    engine.submit({ rid, prompt: tokens(0, 255) });
    engine.runUntilIdle();
  }
  expect(engine.of('prefill-report')).toMatchObject([
    { newTokens: 255, cachedTokens: 0 },
    { newTokens: 1, cachedTokens: 254 },
  ]);
});

test('requests reuse whole blocks', () => {
  const engine = new RecordedEngine({ cacheBlockTokens: 64 });
  engine.submit({ rid: 'a', prompt: tokens(0, 500) });
  engine.runUntilIdle();
  expect(engine.core.cachedPrefixTokens(tokens(0, 200))).toBe(192);
  expect(engine.core.cachedPrefixTokens(tokens(0, 128))).toBe(64);
});

test('generated tokens stay in the cache: the next turn of a conversation finds prompt and answer', () => {
  const engine = new RecordedEngine();
  engine.submit({ rid: 'turn-1', prompt: tokens(0, 100), maxNewTokens: 20 });
  engine.runUntilIdle();
  const answer = tokens(0, 20).map(generatedToken);
  engine.submit({ rid: 'turn-2', prompt: [...tokens(0, 100), ...answer, 1, 2, 3], at: 5_000 });
  engine.runUntilIdle();
  expect(engine.finish('turn-2')).toMatchObject({ cachedTokens: 119 });
});

test('the chunks of a prompt can be reused before the prompt is complete', () => {
  const engine = new RecordedEngine({ chunkedPrefillTokens: 100 });
  engine.submit({ rid: 'long', prompt: tokens(0, 300) });
  engine.core.advanceTo(150);
  expect(engine.core.cachedPrefixTokens(tokens(0, 300))).toBe(100);
});

test('two requests that compute the same prompt at once keep one copy of it', () => {
  const engine = new RecordedEngine();
  engine.submit({ rid: 'a', prompt: tokens(0, 100), maxNewTokens: 5 });
  engine.submit({ rid: 'b', prompt: tokens(0, 100), maxNewTokens: 5 });
  engine.core.advanceTo(199);
  expect(engine.core.snapshot().usedTokens).toBe(200);
  engine.core.advanceTo(205);
  expect(engine.core.snapshot().usedTokens).toBe(102);
});

test('the least recently used prefix goes first when the pool needs room', () => {
  const engine = new RecordedEngine({ maxTotalTokens: 350 });
  const [old, used, fresh] = [tokens(0, 100), tokens(1_000, 100), tokens(2_000, 200)];
  for (const [index, prompt] of [old, used, old, used, fresh].entries()) {
    engine.submit({ rid: `r${index}`, prompt, at: 1_000 * index });
    engine.runUntilIdle();
  }
  expect(engine.core.cachedPrefixTokens(old)).toBe(0);
  expect(engine.core.cachedPrefixTokens(used)).toBe(99);
});

test('what a running request uses is never evicted', () => {
  const engine = new RecordedEngine({ maxTotalTokens: 300 });
  engine.submit({ rid: 'running', prompt: tokens(0, 100), maxNewTokens: 60 });
  engine.submit({ rid: 'other', prompt: tokens(1_000, 100), at: 150 });
  engine.submit({ rid: 'third', prompt: tokens(2_000, 100), at: 300 });
  engine.core.advanceTo(450);
  expect(engine.finish('third')).toBeDefined();
  expect(engine.core.cachedPrefixTokens(tokens(1_000, 100))).toBe(0);
  expect(engine.core.cachedPrefixTokens(tokens(0, 101))).toBe(100);
});

test('flushing empties the cache of an idle engine and refuses while requests are in flight', () => {
  const engine = new RecordedEngine();
  engine.submit({ rid: 'a', prompt: tokens(0, 50) });
  expect(engine.core.flushCache()).toBe(false);
  engine.runUntilIdle();
  expect(engine.core.snapshot().evictableTokens).toBe(50);
  expect(engine.core.flushCache()).toBe(true);
  expect(engine.core.snapshot().evictableTokens).toBe(0);
  expect(engine.core.cachedPrefixTokens(tokens(0, 50))).toBe(0);
});
