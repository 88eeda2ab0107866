import type { HeartbeatAnswer } from '../../shared/protocol.ts';

/** What one router knows of this worker. */
export type RouterView = Required<Omit<HeartbeatAnswer, 'coordinatorId'>>;

/** Undefined for the answer of a router that is too old to tell. Parsed by hand: a runner loads no schema library. */
export function parseHeartbeatAnswer(answer: unknown): RouterView | undefined {
  const { inFlightRequests, oldestRequestSeconds, otherReadyWorkers } = (answer ?? {}) as Partial<HeartbeatAnswer>;
  if (!isAmount(inFlightRequests) || !isAmount(oldestRequestSeconds) || !isAmount(otherReadyWorkers)) return undefined;
  return { inFlightRequests, oldestRequestSeconds, otherReadyWorkers };
}

function isAmount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

/** What all routers together know; undefined when none tells. */
export function combineViews(views: readonly (RouterView | undefined)[]): RouterView | undefined {
  const told = views.filter((view) => view !== undefined);
  if (told.length === 0) return undefined;
  return {
    inFlightRequests: told.reduce((total, view) => total + view.inFlightRequests, 0),
    oldestRequestSeconds: Math.max(...told.map((view) => view.oldestRequestSeconds)),
    // A router that knows of no other worker has nowhere to send its requests.
    otherReadyWorkers: Math.min(...told.map((view) => view.otherReadyWorkers)),
  };
}
