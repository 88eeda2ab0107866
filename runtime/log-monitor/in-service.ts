import type { EngineState } from './engine-life.ts';

/** What the runner said about itself when it was last asked. */
export interface RunnerReport {
  /** Its engine generates and it does not drain. */
  readonly isServing: boolean;
  /** ms since the epoch */
  readonly atMs: number;
}

export interface ServiceFacts {
  /** Null when a runner should answer and never did; undefined when none is known. */
  readonly runner: RunnerReport | null | undefined;
  /** What the log says. */
  readonly engine: EngineState;
  /** Whether the engine's HTTP server answered in this window; undefined when it is not asked. */
  readonly engineAnswers: boolean | undefined;
}

/** A runner that restarts is away for seconds; its last word holds for this long. */
const reportHoldsMs = 30_000;

/**
 * Whether the worker takes requests. The runner knows best: it made the first generation, and it knows of drains and of
 * warm pools. Without one, an engine is in service from its readiness to its death.
 */
export function isInService({ runner, engine, engineAnswers }: ServiceFacts, nowMs: number): boolean {
  if (runner === null) return false;
  if (runner !== undefined) return runner.isServing && nowMs - runner.atMs <= reportHoldsMs;
  if (engineAnswers === false || engine === 'starting' || engine === 'dead') return false;
  return engine === 'serving' || engineAnswers === true;
}
