const firstWaitMs = 1_000;
const longestWaitMs = 60_000;

/**
 * Wait before the next call after `failures` failed ones in a row, in ms. Doubles from 1 s to 60 s; half of it is
 * random, so that a fleet that lost CloudWatch at one moment does not come back at one moment.
 * @param random 0 to 1
 */
export function putBackoffMs(failures: number, random: number): number {
  const wait = Math.min(longestWaitMs, firstWaitMs * 2 ** (failures - 1));
  return wait / 2 + (wait / 2) * random;
}
