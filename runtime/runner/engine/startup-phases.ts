import type { LifeEvent } from '../../shared/engine-log/life-event.ts';

/** One part of an engine's start. */
export interface StartupPhaseTime {
  readonly name: StartupPhaseName;
  readonly seconds: number;
}

export type StartupPhaseName =
  /** Until the engine's first own line: Python and its libraries. */
  | 'launch'
  | 'distributed-init'
  | 'load-weight'
  | 'kv-cache'
  | 'graph-capture'
  | 'jit-compile'
  | 'http-server'
  /** From the bound port to the first generation. */
  | 'warm-up'
  /** Between two phases that the log names. */
  | 'other';

/** The phase that begins with an event of the log; undefined when none does. */
function phaseAfter(event: LifeEvent): StartupPhaseName | undefined {
  switch (event.kind) {
    case 'startup-phase':
      if (event.state === 'begin') return event.phase;
      // The pool is allocated right behind the weights, and only its end is logged.
      return event.phase === 'load-weight' ? 'kv-cache' : 'other';
    case 'http-server':
      if (event.stage === 'process-started') return 'http-server';
      return event.stage === 'listening' ? 'warm-up' : undefined;
    default:
      return undefined;
  }
}

/** Rank 0 of every dimension speaks for all: ranks pass their phases at slightly different times. */
function isFirstRank({ rank }: LifeEvent): boolean {
  return Object.values(rank).every((value) => value <= 0);
}

/**
 * Divides the time of one start into phases that follow one another without gaps: each moment belongs to one, so they
 * add up to the whole. A phase that comes twice (a draft model loads its weights too) is summed. Times in ms on one
 * clock, at which the lines were seen.
 */
export class StartupTimeline {
  readonly #times = new Map<StartupPhaseName, number>();
  #current: StartupPhaseName = 'launch';
  #since: number;
  #isFinished = false;

  constructor(launchedAt: number) {
    this.#since = launchedAt;
    this.#times.set('launch', 0);
  }

  observe(event: LifeEvent, now: number): void {
    const next = phaseAfter(event);
    if (next === undefined || next === this.#current || this.#isFinished || !isFirstRank(event)) return;
    this.#closeCurrent(now);
    this.#current = next;
    if (!this.#times.has(next)) this.#times.set(next, 0);
  }

  /** The engine generates, or ended. */
  finish(now: number): void {
    if (!this.#isFinished) this.#closeCurrent(now);
    this.#isFinished = true;
  }

  /** In the order of their beginning, the current one up to `now`. */
  times(now: number): StartupPhaseTime[] {
    return [...this.#times].map(([name, ms]) => {
      const growing = name === this.#current && !this.#isFinished ? now - this.#since : 0;
      return { name, seconds: Math.round(ms + growing) / 1_000 };
    });
  }

  #closeCurrent(now: number): void {
    this.#times.set(this.#current, this.#times.get(this.#current)! + now - this.#since);
    this.#since = now;
  }
}
