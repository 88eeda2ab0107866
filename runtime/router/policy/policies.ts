import { cacheAware } from './cache-aware.ts';
import { leastRequest } from './least-request.ts';
import type { Policy } from './policy.ts';
import { powerOfTwo } from './power-of-two.ts';
import { predictedTtft } from './predicted-ttft.ts';
import { roundRobin } from './round-robin.ts';

const makers = {
  'predicted-ttft': () => predictedTtft,
  'round-robin': roundRobin,
  'least-request': () => leastRequest,
  'power-of-two': () => powerOfTwo(),
  'cache-aware': () => cacheAware,
} as const satisfies Record<string, () => Policy>;

export type PolicyName = keyof typeof makers;
export const policyNames = Object.keys(makers) as readonly PolicyName[];

export function createPolicy(name: PolicyName): Policy {
  return makers[name]();
}
