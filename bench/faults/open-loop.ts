import { setTimeout as delay } from 'node:timers/promises';

export interface Schedule {
  readonly perSecond: number;
  readonly durationMs: number;
}

/** Begins `one` on a schedule whatever became of the earlier ones, and waits for all of them. */
export async function openLoop<T>(
  { perSecond, durationMs }: Schedule,
  one: (index: number) => Promise<T>,
): Promise<T[]> {
  const begun: Promise<T>[] = [];
  const startedAtMs = performance.now();
  const count = Math.round((perSecond * durationMs) / 1_000);
  while (begun.length < count) {
    const due = Math.min(count, ((performance.now() - startedAtMs) * perSecond) / 1_000);
    while (begun.length < due) begun.push(one(begun.length));
    await delay(2);
  }
  return Promise.all(begun);
}
