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
});
