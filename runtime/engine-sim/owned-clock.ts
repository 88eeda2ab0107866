import type { Clock, Timer } from '../shared/clock.ts';

/** A clock that ends with its server: no timer of it outlives `close`, and none starts afterwards. */
export interface OwnedClock extends Clock {
  close(): void;
}

export function ownedClock(clock: Clock): OwnedClock {
  const pending = new Set<Timer>();
  let isClosed = false;
  return {
    now: () => clock.now(),
    schedule(delayMs, callback) {
      if (isClosed) return { cancel: () => {} };
      const timer = clock.schedule(delayMs, () => {
        pending.delete(owned);
        callback();
      });
      const owned: Timer = {
        cancel() {
          pending.delete(owned);
          timer.cancel();
        },
      };
      pending.add(owned);
      return owned;
    },
    close() {
      isClosed = true;
      for (const timer of [...pending]) timer.cancel();
    },
  };
}
