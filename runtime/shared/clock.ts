/** Time as a dependency: decisions that wait or measure take one, so that tests can run an hour in a second. */
export interface Clock {
  /** Milliseconds on this clock; only differences mean anything. */
  now(): number;
  /** Calls `callback` once after `delayMs` on this clock. */
  schedule(delayMs: number, callback: () => void): Timer;
}

export interface Timer {
  cancel(): void;
}

/** The machine's monotonic clock, running `timeScale` times faster than real time. @param timeScale default 1 */
export function realClock(timeScale = 1): Clock {
  return {
    now: () => performance.now() * timeScale,
    schedule(delayMs, callback) {
      const handle = setTimeout(callback, delayMs / timeScale);
      return { cancel: () => clearTimeout(handle) };
    },
  };
}
