import type { TraceRequest } from '../../runtime/cli/replay/trace.ts';
import { createEngineCore } from '../../runtime/engine-sim/core/engine-core.ts';
import type { CoreRequest, EngineCore, EngineSettings } from '../../runtime/engine-sim/core/types.ts';
import { promptTokens } from './conversation-trace.ts';

/** What a simulated fleet did with a trace. Times in ms of engine time. */
export interface FleetOutcome {
  readonly firstTokenMs: readonly number[];
  readonly finishedRequests: number;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly generatedTokens: number;
  readonly retractions: number;
  /** When the last request ended. */
  readonly endedAtMs: number;
}

const generated = { token: 7, stop: false };

/** Plays a trace, in order of arrival, through engines without HTTP: each request goes to the engine with the fewest tokens ahead. */
export function simulateFleet(
  trace: readonly TraceRequest[],
  engineCount: number,
  settings: EngineSettings,
): FleetOutcome {
  const arrivals = new Map<string, number>();
  const firstTokenMs: number[] = [];
  let endedAtMs = 0;
  const engines = Array.from({ length: engineCount }, () =>
    createEngineCore(settings, (event) => {
      if (event.kind === 'token' && event.position === 0) firstTokenMs.push(event.at - arrivals.get(event.rid)!);
      else if (event.kind === 'finished') endedAtMs = Math.max(endedAtMs, event.at);
    }),
  );
  trace.forEach((request, index) => {
    for (const engine of engines) engine.advanceTo(request.timestampMs);
    const rid = `request-${index}`;
    arrivals.set(rid, request.timestampMs);
    leastLoaded(engines).submit(coreRequest(rid, request), request.timestampMs);
  });
  for (const engine of engines) engine.advanceTo(Number.MAX_SAFE_INTEGER);
  return { firstTokenMs, endedAtMs, ...sumTotals(engines) };
}

function coreRequest(rid: string, request: TraceRequest): CoreRequest {
  return { rid, prompt: promptTokens(request), maxNewTokens: request.outputTokens, generate: () => generated };
}

function leastLoaded(engines: readonly EngineCore[]): EngineCore {
  let best = engines[0]!;
  let leastTokens = Number.POSITIVE_INFINITY;
  for (const engine of engines) {
    const load = engine.snapshot();
    const tokens = load.pendingTokens + load.usedTokens;
    if (tokens >= leastTokens) continue;
    best = engine;
    leastTokens = tokens;
  }
  return best;
}

function sumTotals(engines: readonly EngineCore[]) {
  const sum = { finishedRequests: 0, promptTokens: 0, cachedTokens: 0, generatedTokens: 0, retractions: 0 };
  for (const engine of engines) {
    const { totals } = engine.snapshot();
    sum.finishedRequests += totals.finishedRequests;
    sum.promptTokens += totals.promptTokens;
    sum.cachedTokens += totals.cachedTokens;
    sum.generatedTokens += totals.generatedTokens;
    sum.retractions += totals.retractions;
  }
  return sum;
}
