import { setTimeout as delay } from 'node:timers/promises';
import { replayTrace } from '../../runtime/cli/replay/replay.ts';
import type { Peer } from '../peers/peer.ts';
import { startPeer } from '../peers/start-peer.ts';
import type { EngineFleet } from './engine-fleet.ts';
import { type Figures, sharesOf } from './figures.ts';
import { predictedShare } from './prediction-metric.ts';
import type { Workload } from './workloads.ts';

export interface HttpRun {
  readonly fleet: EngineFleet;
  readonly engineUrls: readonly string[];
  readonly workload: Workload;
  readonly timeScale: number;
  /** For the router's log. */
  readonly folder: string;
}

export interface HttpFigures extends Figures {
  /** How late the client sent, 99th percentile in ms of real time: large when the machine does not keep up. */
  readonly clientLagP99Ms: number;
}

const readyTimeoutMs = 60_000;

/** Starts a router before the engines, replays the workload through it, and ends it; caches are empty before and after. */
export async function httpFigures(peer: Peer, run: HttpRun): Promise<HttpFigures> {
  const { fleet, engineUrls, workload, timeScale, folder } = run;
  const router = await startPeer(peer, { engineUrls, folder, cores: undefined });
  try {
    const url = `http://127.0.0.1:${router.port}`;
    await allWorkersReady(url, engineUrls.length);
    await fleet.flush();
    const before = await fleet.totals();
    const report = await replayTrace({ url, requests: workload.requests, timeScale, model: 'simulated-model' });
    const after = await fleet.totals();
    const delta = (name: keyof (typeof after)[number]) => after.map((totals, i) => totals[name] - before[i]![name]);
    const { mean, p50, p99 } = report.ttftSeconds;
    return {
      router: peer.name,
      meanSeconds: mean ?? Number.NaN,
      p50Seconds: p50 ?? Number.NaN,
      p99Seconds: p99 ?? Number.NaN,
      tokenHitRate: sum(delta('cachedTokens')) / sum(delta('promptTokens')),
      shares: sharesOf(delta('finishedRequests'), engineUrls.length),
      predictedShare: await predictedShare(url),
      failed: report.requests.failed,
      clientLagP99Ms: report.clientLagWallMs.p99 ?? Number.NaN,
    };
  } finally {
    await router.stop();
    await fleet.flush();
  }
}

/** Both routers list their workers at the same path. */
async function allWorkersReady(url: string, count: number): Promise<void> {
  for (const endsAt = performance.now() + readyTimeoutMs; performance.now() < endsAt; await delay(100)) {
    try {
      const response = await fetch(`${url}/workers`, { signal: AbortSignal.timeout(2_000) });
      const { workers } = (await response.json()) as { workers: { is_healthy: boolean }[] };
      if (workers.filter((worker) => worker.is_healthy).length === count) return;
    } catch {
      // Not listening yet.
    }
  }
  throw new Error(`The router at ${url} did not have ${count} healthy workers within ${readyTimeoutMs} ms.`);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
