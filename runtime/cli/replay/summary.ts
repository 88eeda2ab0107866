import type { RequestOutcome } from './send.ts';
import { type Distribution, distributionOf } from './stats.ts';

/** What a replay measured. Times and rates are in engine time unless a name says `wall`. Plain data: `--json` prints it. */
export interface ReplayReport {
  readonly url: string;
  readonly api: string;
  readonly model: string;
  readonly rateScale: number;
  readonly timeScale: number;
  readonly seed: number;
  readonly requests: {
    /** In the trace, after `--limit`. */
    readonly planned: number;
    readonly sent: number;
    readonly completed: number;
    readonly failed: number;
    /** Of the failed: nothing had been shown yet, so a router could have tried elsewhere. */
    readonly failedBeforeFirstToken: number;
    /** Running when the replay was stopped. */
    readonly interrupted: number;
    /** Completed with another number of tokens than asked for. */
    readonly wrongLength: number;
    /** Completed without a usage report; left out of all token figures. */
    readonly withoutUsage: number;
  };
  /** Most frequent first. */
  readonly errors: readonly { readonly kind: string; readonly count: number; readonly example: string }[];
  /** From the first request sent to the last answer. */
  readonly durationSeconds: number;
  readonly ttftSeconds: Distribution;
  readonly endToEndSeconds: Distribution;
  /** Mean time per output token after the first, one value per request, in ms. */
  readonly timePerOutputTokenMs: Distribution;
  /** Gaps between reads that brought tokens, in ms. */
  readonly interTokenMs: Distribution;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
  /** Cached over prompt tokens, null without any usage. */
  readonly tokenHitRate: number | null;
  readonly promptTokensPerSecond: number;
  readonly outputTokensPerSecond: number;
  /** By the `x-fleet-worker` header, sorted by name; failed requests count where they failed. */
  readonly workers: readonly WorkerShare[];
  /** How late the client itself sent requests, in wall ms: large values mean that it, not the fleet, was the limit. */
  readonly clientLagWallMs: Distribution;
}

export interface WorkerShare {
  /** null for answers without the header. */
  readonly worker: string | null;
  readonly requests: number;
  /** Of all answered requests, 0 to 1. */
  readonly share: number;
  readonly tokenHitRate: number | null;
  readonly ttftP50Seconds: number | null;
}

/** One request that was sent, with what it asked for. */
export interface MeasuredRequest extends RequestOutcome {
  readonly requestedTokens: number;
  /** Sent this much after it was due, in wall ms. */
  readonly lagMs: number;
}

export interface ReplayFacts extends Pick<ReplayReport, 'url' | 'api' | 'model' | 'rateScale' | 'timeScale' | 'seed'> {
  readonly planned: number;
  readonly wallMs: number;
}

/** Puts the measurements of a replay together. */
export function summarise(facts: ReplayFacts, measured: readonly MeasuredRequest[]): ReplayReport {
  const { planned, wallMs, ...settings } = facts;
  const completed = measured.filter((request) => !request.failure && !request.isInterrupted);
  const failed = measured.filter((request) => request.failure);
  const toSeconds = facts.timeScale / 1_000;
  const durationSeconds = wallMs * toSeconds;
  const tokens = tokenSums(completed);
  return {
    ...settings,
    requests: {
      planned,
      sent: measured.length,
      completed: completed.length,
      failed: failed.length,
      failedBeforeFirstToken: failed.filter((request) => request.ttftMs === undefined).length,
      interrupted: measured.filter((request) => request.isInterrupted).length,
      wrongLength: completed.filter(({ usage, requestedTokens }) => usage && usage.completionTokens !== requestedTokens)
        .length,
      withoutUsage: completed.filter(({ usage }) => !usage).length,
    },
    errors: errorCounts(measured),
    durationSeconds,
    ttftSeconds: distributionOf(ttfts(completed), toSeconds),
    endToEndSeconds: distributionOf(
      completed.map((request) => request.endToEndMs),
      toSeconds,
    ),
    timePerOutputTokenMs: distributionOf(completed.flatMap(timePerOutputToken), facts.timeScale),
    interTokenMs: distributionOf(
      completed.flatMap((request) => request.gapsMs),
      facts.timeScale,
    ),
    ...tokens,
    promptTokensPerSecond: durationSeconds > 0 ? tokens.promptTokens / durationSeconds : 0,
    outputTokensPerSecond: durationSeconds > 0 ? tokens.outputTokens / durationSeconds : 0,
    workers: workerShares(measured, toSeconds),
    clientLagWallMs: distributionOf(measured.map((request) => request.lagMs)),
  };
}

function ttfts(requests: readonly MeasuredRequest[]): number[] {
  return requests.flatMap(({ ttftMs }) => (ttftMs === undefined ? [] : [ttftMs]));
}

function timePerOutputToken({ ttftMs, endToEndMs, usage }: MeasuredRequest): number[] {
  const laterTokens = (usage?.completionTokens ?? 0) - 1;
  return ttftMs === undefined || laterTokens < 1 ? [] : [(endToEndMs - ttftMs) / laterTokens];
}

function tokenSums(requests: readonly MeasuredRequest[]) {
  let [promptTokens, cachedTokens, outputTokens] = [0, 0, 0];
  for (const { usage } of requests) {
    promptTokens += usage?.promptTokens ?? 0;
    cachedTokens += usage?.cachedTokens ?? 0;
    outputTokens += usage?.completionTokens ?? 0;
  }
  return { promptTokens, cachedTokens, outputTokens, tokenHitRate: promptTokens ? cachedTokens / promptTokens : null };
}

function errorCounts(measured: readonly MeasuredRequest[]): ReplayReport['errors'] {
  const byKind = Object.groupBy(
    measured.flatMap(({ failure }) => failure ?? []),
    ({ kind }) => kind,
  );
  return Object.entries(byKind)
    .map(([kind, failures]) => ({ kind, count: failures!.length, example: failures![0]!.message }))
    .sort((a, b) => b.count - a.count);
}

function workerShares(measured: readonly MeasuredRequest[], toSeconds: number): WorkerShare[] {
  const byWorker = Map.groupBy(
    measured.filter((request) => request.worker !== undefined || request.ttftMs !== undefined),
    (request) => request.worker ?? null,
  );
  const answered = [...byWorker.values()].reduce((total, requests) => total + requests.length, 0);
  return [...byWorker]
    .map(([worker, requests]) => ({
      worker,
      requests: requests.length,
      share: requests.length / answered,
      tokenHitRate: tokenSums(requests).tokenHitRate,
      ttftP50Seconds: distributionOf(ttfts(requests), toSeconds).p50,
    }))
    .sort((a, b) => String(a.worker).localeCompare(String(b.worker), 'en', { numeric: true }));
}
