import { seededRandom } from '../../bench/routing/random.ts';

/** One process of the fleet that can be killed. */
export interface Daemon {
  readonly kind: 'router' | 'runner';
  /** From 0. */
  readonly index: number;
}

/** Something that is done to the fleet; times in ms from the beginning of the run. */
export interface Blow {
  readonly atMs: number;
  /** What is hit with `kill -9`, or the database, which is stopped as an operator stops it. */
  readonly target: Daemon | 'database';
  /** Until it is started again. */
  readonly downMs: number;
}

export interface ChaosShape {
  readonly seed: number;
  readonly durationMs: number;
  readonly routers: number;
  readonly runners: number;
}

const roundMs = 20_000;
const maxDownMs = 2_000;
/** Nothing is hit this long before the end of a round, so that what was hit is back in the next one. */
const restMs = maxDownMs + 500;

/**
 * When what is hit: in every round of 20 s, or in the one shorter round that there is, each router and each runner once
 * and the database once, at random moments, also several at a time.
 */
export function planChaos({ seed, durationMs, routers, runners }: ChaosShape): Blow[] {
  const random = seededRandom(seed);
  const rounds = Math.max(1, Math.floor(durationMs / roundMs));
  const lengthMs = durationMs / rounds;
  const daemons = (kind: Daemon['kind'], count: number) =>
    Array.from({ length: count }, (_, index): Daemon => ({ kind, index }));
  const targets = [...daemons('router', routers), ...daemons('runner', runners), 'database' as const];
  return Array.from({ length: rounds }, (_, round) =>
    targets.map((target) => ({
      atMs: Math.round(round * lengthMs + random() * Math.max(1, lengthMs - restMs)),
      target,
      downMs: Math.round(100 + random() * (maxDownMs - 100)),
    })),
  )
    .flat()
    .sort((a, b) => a.atMs - b.atMs);
}

export function nameOf(target: Blow['target']): string {
  return target === 'database' ? target : `${target.kind} ${target.index}`;
}
