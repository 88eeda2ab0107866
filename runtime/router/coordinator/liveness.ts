import { heartbeatTimeoutMs } from '../../shared/protocol.ts';
import type { Coordinator } from './coordinator.ts';

const sweepIntervalMs = 10_000;
const sweepJitterMs = 5_000;

/** Time to the next sweep, in ms: 10 s and a random part of 5 s, so that coordinators do not sweep in step. */
export function nextSweepDelayMs(random: number): number {
  return sweepIntervalMs + random * sweepJitterMs;
}

/** Takes runners without a heartbeat for 30 s out of the fleet, again and again. @returns the function that ends it */
export function startLivenessSweep(coordinator: Coordinator, timeScale: number): () => void {
  let timer: NodeJS.Timeout;
  const plan = () => {
    timer = setTimeout(async () => {
      await coordinator.removeSilentRunners(Date.now() - heartbeatTimeoutMs / timeScale);
      plan();
    }, nextSweepDelayMs(Math.random()) / timeScale).unref();
  };
  plan();
  return () => clearTimeout(timer);
}
