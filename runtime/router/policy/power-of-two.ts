import type { Policy } from './policy.ts';

/** Two workers at random, the one with fewer requests in flight. @param random returns 0 up to 1; injected for tests */
export function powerOfTwo(random: () => number = Math.random): Policy {
  return {
    name: 'power-of-two',
    scorer(_request, { length }) {
      const first = Math.floor(random() * length);
      // The second is drawn from the others, so that two different ones are compared.
      const second = (first + 1 + Math.floor(random() * (length - 1))) % length;
      return (worker, _uncachedTokens, index) =>
        index === first || index === second ? worker.inFlightRequests : Number.POSITIVE_INFINITY;
    },
  };
}
