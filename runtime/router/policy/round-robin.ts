import { type Policy, rankByScore } from './policy.ts';

/** Each worker in turn. Holds the turn, so every router makes its own. */
export function roundRobin(): Policy {
  let turn = 0;
  return {
    name: 'round-robin',
    rank(request, workers) {
      const first = turn++ % Math.max(1, workers.length);
      const place = new Map(workers.map((worker, i) => [worker.id, (i - first + workers.length) % workers.length]));
      return rankByScore(request, workers, (worker) => place.get(worker.id)!);
    },
  };
}
