import type { Logger } from '../../shared/log.ts';

const sweepIntervalMs = 10_000;
const sweepJitterMs = 5_000;
/** A sweep that comes so much later than planned means that the process stood still. */
const standstillMs = 5_000;

/** Time to the next sweep, in ms: 10 s and a random part of 5 s, so that coordinators do not sweep in step. */
export function nextSweepDelayMs(random: number): number {
  return sweepIntervalMs + random * sweepJitterMs;
}

export interface LivenessSweepOptions {
  readonly sweep: (nowMs: number) => Promise<void>;
  /** The process, or its whole machine, stood still for a while. */
  readonly onStandstill: (nowMs: number) => void;
  readonly timeScale: number;
  readonly log: Logger;
}

/** Sweeps again and again; a sweep that fails is made up for by the next one. @returns the function that ends it */
export function startLivenessSweep({ sweep, onStandstill, timeScale, log }: LivenessSweepOptions): () => void {
  let timer: NodeJS.Timeout;
  let isStopped = false;
  const plan = () => {
    if (isStopped) return;
    const delayMs = nextSweepDelayMs(Math.random()) / timeScale;
    const plannedAtMs = Date.now() + delayMs;
    timer = setTimeout(async () => {
      const nowMs = Date.now();
      if (nowMs - plannedAtMs > standstillMs) onStandstill(nowMs);
      // A store that fails must not end the router.
      await sweep(nowMs).catch((error: unknown) => log.error('sweep failed', { error }));
      plan();
    }, delayMs).unref();
  };
  plan();
  return () => {
    isStopped = true;
    clearTimeout(timer);
  };
}
