import { createPolicy, type PolicyName } from '../../runtime/router/policy/policies.ts';
import { type Figures, firstTokenFigures, sharesOf } from './figures.ts';
import { fleetBooks } from './fleet-books.ts';
import { floorOf } from './floor.ts';
import { playTrace } from './offline.ts';
import { rightWithinSeconds } from './prediction-metric.ts';
import { offlinePrototype } from './prototype/offline-prototype.ts';
import type { Workload } from './workloads.ts';

export const engineCount = 8;

/** A policy of ours, or the yardstick. */
export type OfflineContender = PolicyName | 'prototype';

/** What a router makes of a workload without HTTP. */
export function offlineFigures({ requests, settings }: Workload, contender: OfflineContender): Figures {
  const maker = contender === 'prototype' ? offlinePrototype : fleetBooks(createPolicy(contender));
  const outcome = playTrace(requests, Array(engineCount).fill(settings), maker);
  const isRight = (errorMs: number) => Math.abs(errorMs) <= 1_000 * rightWithinSeconds;
  return {
    router: contender,
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
