import { distributionOf } from '../../runtime/cli/replay/stats.ts';
import type { Policy } from '../../runtime/router/policy/policy.ts';
import { type Figures, firstTokenFigures, sharesOf } from './figures.ts';
import { floorOf } from './floor.ts';
import { routeTrace } from './offline.ts';
import type { Workload } from './workloads.ts';

export const engineCount = 8;

/** What a policy makes of a workload without HTTP. */
export function offlineFigures({ requests, settings }: Workload, policy: Policy): Figures {
  const outcome = routeTrace(requests, engineCount, settings, policy);
  const errors = distributionOf(outcome.predictionErrorMs.map(Math.abs), 1 / 1_000);
  return {
    router: policy.name,
    ...firstTokenFigures(outcome.firstTokenMs),
    tokenHitRate: outcome.tokenHitRate,
    shares: sharesOf(outcome.requestsOf, engineCount),
    predictionErrorSeconds: { p50: errors.p50 ?? Number.NaN, p90: errors.p90 ?? Number.NaN },
    failed: requests.length - outcome.firstTokenMs.length,
  };
}

export function floorFigures({ requests, settings }: Workload): Figures {
  const { firstTokenMs, tokenHitRate } = floorOf(requests, settings);
  return {
    router: 'floor',
    ...firstTokenFigures(firstTokenMs),
    tokenHitRate,
    shares: null,
    predictionErrorSeconds: null,
    failed: 0,
  };
}
