import { type Policy, rankByScore } from './policy.ts';

/** The worker with the fewest requests of this router in flight. */
export const leastRequest: Policy = {
  name: 'least-request',
  rank: (request, workers) => rankByScore(request, workers, (worker) => worker.inFlightRequests),
};
