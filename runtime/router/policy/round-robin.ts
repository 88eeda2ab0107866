import type { Policy } from './policy.ts';

/** Each worker in turn. Holds the turn, so every router makes its own. */
export function roundRobin(): Policy {
  let turn = 0;
  return {
    name: 'round-robin',
    scorer(_request, workers) {
      const first = turn++ % Math.max(1, workers.length);
      return (_worker, _uncachedTokens, index) => (index - first + workers.length) % workers.length;
    },
  };
}
