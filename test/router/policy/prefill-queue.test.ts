import { PrefillQueue } from '../../../runtime/router/policy/prefill-queue.ts';

describe('the prefill work ahead of a request', () => {
  test('an idle worker makes nobody wait', () => {
    expect(new PrefillQueue().waitMs(0)).toBe(0);
  });

  test('counts the head only with what is left of it', () => {
    const queue = new PrefillQueue();
    queue.add(8_000, 0, true);
    queue.add(4_000, 0, true);
    expect(queue.waitMs(0)).toBe(1_500);
    expect(queue.waitMs(400)).toBe(1_100);
    expect(queue.waitMs(60_000)).toBe(500);
  });

  test('learns the rate from first-token times', () => {
    const queue = new PrefillQueue();
    const entry = queue.add(4_000, 0, true);
    queue.firstToken(entry, 2_000);
    expect(queue.observedTokensPerSecond).toBe(2_000);
    queue.add(2_000, 2_000, true);
    expect(queue.waitMs(2_000)).toBe(1_000);
  });

  test('requests that one pass answers together count as one', () => {
    const queue = new PrefillQueue();
    const entries = [queue.add(1_000, 0, true), queue.add(1_000, 0, true)];
    for (const entry of entries) queue.firstToken(entry, 500);
    expect(queue.observedTokensPerSecond).toBeGreaterThan(3_000);
  });

  test('short prompts teach nothing about prefill speed', () => {
    const queue = new PrefillQueue();
    queue.firstToken(queue.add(10, 0, true), 100);
    expect(queue.observedTokensPerSecond).toBeNull();
  });

  test('a request that answers as a whole leaves the queue when its prefill must be over', () => {
    const queue = new PrefillQueue();
    queue.add(8_000, 0, false);
    queue.add(8_000, 0, true);
    expect(queue.waitMs(1_500)).toBe(500);
  });

  test('a failed request leaves no work behind', () => {
    const queue = new PrefillQueue();
    const entry = queue.add(8_000, 0, true);
    queue.remove(entry, 10);
    queue.remove(entry, 20);
    expect(queue.waitMs(20)).toBe(0);
  });

  test('of a pass under way all that is done counts, not only its first request', () => {
    const queue = new PrefillQueue();
    const first = queue.add(1_000, 0, true);
    for (let i = 0; i < 4; i++) queue.add(2_000, 10, true);
    queue.firstToken(first, 125);
    expect(queue.waitMs(625)).toBe(500);
  });
});

describe('the learned rate', () => {
  /** One busy period of one request. */
  const period = (queue: PrefillQueue, startMs: number, tokens: number, tokensPerSecond: number) =>
    queue.firstToken(queue.add(tokens, startMs, true), startMs + (1_000 * tokens) / tokensPerSecond);

  test('a few periods in which the engine waited for memory do not count', () => {
    const queue = new PrefillQueue();
    for (let i = 0; i < 10; i++) period(queue, i * 100_000, 4_000, i % 4 === 0 ? 100 : 4_000);
    expect(queue.observedTokensPerSecond).toBe(4_000);
  });

  test('follows an engine that became slower', () => {
    const queue = new PrefillQueue();
    for (let i = 0; i < 30; i++) period(queue, i * 100_000, 4_000, i < 20 ? 4_000 : 1_000);
    expect(queue.observedTokensPerSecond).toBe(1_000);
  });

  test('a queue that is never empty teaches too: its worker would be thought fast for ever', () => {
    const queue = new PrefillQueue();
    let nowMs = 0;
    let next = queue.add(10_000, nowMs, true);
    for (let i = 0; i < 5; i++) {
      const head = next;
      next = queue.add(10_000, nowMs, true);
      nowMs += 10_000;
      queue.firstToken(head, nowMs);
    }
    expect(queue.observedTokensPerSecond).toBe(1_000);
  });

  test('an aborted request spoils its busy period, not the next one', () => {
    const queue = new PrefillQueue();
    const aborted = queue.add(8_000, 0, true);
    const other = queue.add(2_000, 0, true);
    queue.remove(aborted, 10);
    queue.firstToken(other, 260);
    expect(queue.observedTokensPerSecond).toBeNull();
    period(queue, 1_000, 2_000, 3_000);
    expect(queue.observedTokensPerSecond).toBeCloseTo(3_000);
  });

  test('workers lean on their group until they are observed well and differ clearly', () => {
    const [same, slow, fresh] = [new PrefillQueue(), new PrefillQueue(), new PrefillQueue()];
    for (let i = 0; i < 8; i++) {
      period(same, i * 100_000, 4_000, 9_000);
      period(slow, i * 100_000, 4_000, 2_000);
    }
    const groupRate = PrefillQueue.groupRate([{ prefill: same }, { prefill: slow }, { prefill: fresh }]);
    expect(groupRate).toBeCloseTo(Math.sqrt(9_000 * 2_000));
    expect(fresh.rateWithin(groupRate)).toBe(groupRate);
    expect(slow.rateWithin(groupRate)).toBeCloseTo(2_000);
    expect(same.rateWithin(8_000)).toBe(8_000);
  });
});
