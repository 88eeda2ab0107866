/** npm passes a terminal's Ctrl-C on to a program that got it already: both count as one. */
const sameInterruptMs = 300;

export interface InterruptActions {
  readonly onFirst: () => void;
  /** Must end the process. */
  readonly onSecond: () => void;
}

/** Calls the actions at the first and the second Ctrl-C, termination or hang-up. */
export function onInterrupts({ onFirst, onSecond }: InterruptActions): void {
  let firstAt: number | undefined;
  const interrupt = () => {
    const now = performance.now();
    if (firstAt === undefined) {
      firstAt = now;
      onFirst();
    } else if (now - firstAt >= sameInterruptMs) {
      onSecond();
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt);
}
