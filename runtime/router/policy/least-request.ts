import type { Policy } from './policy.ts';

/** The worker with the fewest requests of this router in flight. */
export const leastRequest: Policy = {
  name: 'least-request',
  scorer: () => (worker) => worker.inFlightRequests,
};
