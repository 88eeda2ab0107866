import { RecordedEngine } from './recorded-engine.ts';

test('a request gets its first token at the end of its prefill and one more with each decode step', () => {
  const engine = new RecordedEngine();
  engine.submit({ rid: 'a', prompt: 100, maxNewTokens: 3 });
  engine.runUntilIdle();
  expect(engine.tokenTimes('a')).toEqual([100, 110, 120]);
  expect(engine.finish('a')).toMatchObject({ at: 120, reason: 'length', generatedTokens: 3, cachedTokens: 0 });
});

test('a request ends with the token at which the model stops', () => {
  const engine = new RecordedEngine();
  engine.submit({ rid: 'a', prompt: 10, maxNewTokens: 50, stopAfter: 2 });
  engine.runUntilIdle();
  expect(engine.finish('a')).toMatchObject({ reason: 'stop', generatedTokens: 2 });
});

test('requests of the same moment share a prefill pass', () => {
  const engine = new RecordedEngine();
  engine.submit({ rid: 'a', prompt: 100 });
  engine.submit({ rid: 'b', prompt: 200 });
  engine.runUntilIdle();
  expect(engine.of('prefill-report')).toMatchObject([{ newSequences: 2, newTokens: 300 }]);
  expect([engine.firstTokenAt('a'), engine.firstTokenAt('b')]).toEqual([300, 300]);
});

test('a prompt longer than a pass is prefilled in chunks', () => {
  const engine = new RecordedEngine({ chunkedPrefillTokens: 100 });
  engine.submit({ rid: 'long', prompt: 250 });
  engine.runUntilIdle();
  expect(engine.of('prefill-report').map((report) => report.newTokens)).toEqual([100, 100, 50]);
  expect(engine.of('prefill-report').map((report) => report.pendingTokens)).toEqual([150, 50, 0]);
  expect(engine.firstTokenAt('long')).toBe(250);
});

test('the last chunk of a prompt shares its pass with the requests behind it', () => {
  const engine = new RecordedEngine({ chunkedPrefillTokens: 100 });
  engine.submit({ rid: 'long', prompt: 150 });
  engine.submit({ rid: 'short', prompt: 20 });
  engine.runUntilIdle();
  expect(engine.of('prefill-report')).toMatchObject([
    { newSequences: 1, newTokens: 100, queuedRequests: 1 },
    { newSequences: 2, newTokens: 70, queuedRequests: 0 },
  ]);
  expect(engine.firstTokenAt('short')).toBe(170);
});

test('prefill goes before decode: running requests stall while a prompt arrives', () => {
  const engine = new RecordedEngine({ chunkedPrefillTokens: 100 });
  engine.submit({ rid: 'running', prompt: 10, maxNewTokens: 4 });
  engine.submit({ rid: 'late', prompt: 300, at: 15 });
  engine.runUntilIdle();
  expect(engine.tokenTimes('running')).toEqual([10, 20, 330, 340]);
  expect(engine.firstTokenAt('late')).toBe(320);
});

test('a decode step takes longer with more requests and with more context', () => {
  const stepMs = (requests: number, prompt: number) => {
    const engine = new RecordedEngine({ decodeMsPerRequest: 1, decodeMsPerThousandContextTokens: 2 });
    for (let index = 0; index < requests; index++) engine.submit({ rid: `r${index}`, prompt, maxNewTokens: 2 });
    engine.runUntilIdle();
    const [first, second] = engine.tokenTimes('r0');
    return second! - first!;
  };
  expect(stepMs(1, 499)).toBeCloseTo(10 + 1 + 1);
  expect(stepMs(4, 99)).toBeCloseTo(10 + 4 + 0.8);
  expect(stepMs(4, 199)).toBeCloseTo(10 + 4 + 1.6);
});

test('a long context makes its prompt tokens dearer when the settings say so', () => {
  const engine = new RecordedEngine({ prefillDoublingContextTokens: 1_000 });
  engine.submit({ rid: 'a', prompt: 1_000 });
  engine.runUntilIdle();
  expect(engine.firstTokenAt('a')).toBeCloseTo(1_000 + 499.5);
});

test('no more requests run than the running cap allows', () => {
  const engine = new RecordedEngine({ maxRunningRequests: 2 });
  for (const rid of ['a', 'b', 'c']) engine.submit({ rid, prompt: 10, maxNewTokens: 5 });
  engine.core.advanceTo(30);
  expect(engine.core.snapshot()).toMatchObject({ runningRequests: 2, waitingRequests: 1, pendingTokens: 10 });
  engine.runUntilIdle();
  expect(engine.firstTokenAt('c')).toBe(engine.finish('a')!.at + 10);
});

test('a request that does not fit the pool waits for one that leaves', () => {
  const engine = new RecordedEngine({ maxTotalTokens: 200 });
  engine.submit({ rid: 'a', prompt: 100, maxNewTokens: 10 });
  engine.submit({ rid: 'b', prompt: 100, maxNewTokens: 10 });
  engine.runUntilIdle();
  expect(engine.of('retracted')).toEqual([]);
  expect(engine.firstTokenAt('b')).toBe(engine.finish('a')!.at + 100);
});

test('a new request fits when its prompt, its whole answer and a margin are less than what is left', () => {
  const firstTokens = (maxNewTokens: number) => {
    const engine = new RecordedEngine({ maxTotalTokens: 200 });
    // Takes 50 for its prompt and keeps back 50 + 1: 99 are left, and each newcomer needs 1 more than it says.
    engine.submit({ rid: 'first', prompt: 50, maxNewTokens: 50 });
    engine.submit({ rid: 'second', prompt: 40, maxNewTokens });
    engine.runUntilIdle();
    return [engine.firstTokenAt('first'), engine.firstTokenAt('second')];
  };
  expect(firstTokens(57)).toEqual([90, 90]);
  expect(firstTokens(58)).not.toEqual([90, 90]);
});

test('a small request does not overtake a large one that waits for memory', () => {
  const engine = new RecordedEngine({ maxTotalTokens: 200 });
  engine.submit({ rid: 'running', prompt: 100, maxNewTokens: 10 });
  engine.submit({ rid: 'large', prompt: 150, maxNewTokens: 10 });
  engine.submit({ rid: 'small', prompt: 5, maxNewTokens: 10 });
  engine.runUntilIdle();
  expect(engine.firstTokenAt('small')).toBeGreaterThanOrEqual(engine.firstTokenAt('large'));
});

test('an answer is cut to what the pool can hold beside its prompt', () => {
  const engine = new RecordedEngine({ maxTotalTokens: 100 });
  engine.submit({ rid: 'a', prompt: 90, maxNewTokens: 1_000 });
  engine.runUntilIdle();
  expect(engine.finish('a')).toMatchObject({ reason: 'length', generatedTokens: 8 });
});

test('a prompt that the pool can never hold is aborted at once and blocks nobody', () => {
  const engine = new RecordedEngine({ maxTotalTokens: 100 });
  engine.submit({ rid: 'huge', prompt: 99 });
  engine.submit({ rid: 'small', prompt: 10 });
  expect(engine.finish('huge')).toMatchObject({ at: 0, reason: 'abort', generatedTokens: 0 });
  engine.runUntilIdle();
  expect(engine.finish('small')).toMatchObject({ reason: 'length' });
});

test('a rid that is in flight is refused', () => {
  const engine = new RecordedEngine();
  engine.submit({ rid: 'a', prompt: 10 });
  expect(() => engine.submit({ rid: 'a', prompt: 10 })).toThrow('Request a is in flight already');
});

test('an engine that is driven late says when things happened, not when it was asked', () => {
  const engine = new RecordedEngine();
  engine.submit({ rid: 'a', prompt: 100, maxNewTokens: 2 });
  engine.core.advanceTo(5_000);
  expect(engine.tokenTimes('a')).toEqual([100, 110]);
});
