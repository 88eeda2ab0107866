import type { Policy } from '../../runtime/router/policy/policy.ts';
import { type Figures, firstTokenFigures, sharesOf } from './figures.ts';
import { floorOf } from './floor.ts';
import { routeTrace } from './offline.ts';
import { rightWithinSeconds } from './prediction-metric.ts';
import type { Workload } from './workloads.ts';

export const engineCount = 8;

/** What a policy makes of a workload without HTTP. */
export function offlineFigures({ requests, settings }: Workload, policy: Policy): Figures {
  const outcome = routeTrace(requests, Array(engineCount).fill(settings), policy);
  const isRight = (errorMs: number) => Math.abs(errorMs) <= 1_000 * rightWithinSeconds;
  return {
    router: policy.name,
    ...firstTokenFigures(outcome.firstTokenMs),
    tokenHitRate: outcome.tokenHitRate,
    shares: sharesOf(outcome.requestsOf, engineCount),
    predictedShare: outcome.predictionErrorMs.filter(isRight).length / outcome.predictionErrorMs.length,
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
    predictedShare: null,
    failed: 0,
  };
}
