import { ownedClock } from '../../runtime/engine-sim/owned-clock.ts';
import type { Timer } from '../../runtime/shared/clock.ts';

/** A clock whose timers fire when the test says so. */
function handClock() {
  const waiting = new Map<Timer, () => void>();
  return {
    waiting,
    fireAll: () => {
      for (const [timer, callback] of [...waiting]) {
        waiting.delete(timer);
        callback();
      }
    },
    clock: {
      now: () => 7,
      schedule(_delayMs: number, callback: () => void): Timer {
        const timer = { cancel: () => void waiting.delete(timer) };
        waiting.set(timer, callback);
        return timer;
      },
    },
  };
}

test('timers fire and are cancelled as on the clock below', () => {
  const { clock, fireAll, waiting } = handClock();
  const owned = ownedClock(clock);
  const fired: string[] = [];
  owned.schedule(1, () => fired.push('kept'));
  owned.schedule(1, () => fired.push('cancelled')).cancel();
  fireAll();
  expect([fired, waiting.size, owned.now()]).toEqual([['kept'], 0, 7]);
});

test('nothing is left after the close, and nothing starts any more', () => {
  const { clock, waiting } = handClock();
  const owned = ownedClock(clock);
  owned.schedule(1, () => {});
  owned.schedule(1, () => {});
  owned.close();
  owned.schedule(1, () => {}).cancel();
  expect(waiting.size).toBe(0);
});
