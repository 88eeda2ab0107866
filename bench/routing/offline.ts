import { blockTokens, type TraceRequest } from '../../runtime/cli/replay/trace.ts';
import { createEngineCore } from '../../runtime/engine-sim/core/engine-core.ts';
import type { EngineCore, EngineSettings } from '../../runtime/engine-sim/core/types.ts';
import type { Policy } from '../../runtime/router/policy/policy.ts';
import { promptTokens } from '../sim/conversation-trace.ts';
import { fleetBooks } from './fleet-books.ts';
import type { OfflineRouterMaker } from './offline-router.ts';

/** What a router made of a trace. Times in ms of engine time. */
export interface RoutingOutcome {
  readonly firstTokenMs: readonly number[];
  /** First-token time less what the router's book-keeping predicted at dispatch, whatever the policy made of it. */
  readonly predictionErrorMs: readonly number[];
  readonly tokenHitRate: number;
  readonly retractions: number;
  /** Requests by engine. */
  readonly requestsOf: readonly number[];
}

const generated = { token: 7, stop: false };

/** Plays a trace through the router's own policy and book-keeping code; see playTrace. */
export function routeTrace(
  trace: readonly TraceRequest[],
  settings: readonly EngineSettings[],
  policy: Policy,
): RoutingOutcome {
  return playTrace(trace, settings, fleetBooks(policy));
}

/**
 * Plays a trace, in order of arrival, through engines and a router in virtual time.
 * @param settings one entry per engine
 */
export function playTrace(
  trace: readonly TraceRequest[],
  settings: readonly EngineSettings[],
  makeRouter: OfflineRouterMaker,
): RoutingOutcome {
  const firstTokenMs: number[] = [];
  const predictionErrorMs: number[] = [];
  const predictedMs: number[] = [];
  const requestsOf: number[] = Array(settings.length).fill(0);
  const engines = settings.map((its) =>
    createEngineCore(its, (event) => {
      if (event.kind === 'token' && event.position === 0) {
        const id = Number(event.rid);
        const tookMs = event.at - trace[id]!.timestampMs;
        firstTokenMs.push(tookMs);
        predictionErrorMs.push(tookMs - predictedMs[id]!);
        router.firstToken(id, event.at);
      } else if (event.kind === 'finished') router.end(Number(event.rid));
    }),
  );
  const router = makeRouter(engines, trace);
  trace.forEach((request, id) => {
    const now = request.timestampMs;
    advanceAll(engines, now);
    const facts = {
      chain: request.blockIds.slice(0, Math.floor(request.inputTokens / blockTokens)),
      promptTokens: request.inputTokens,
      tokensPerBlock: blockTokens,
    };
    const dispatch = router.send(id, facts, now);
    predictedMs[id] = dispatch.predictedMs;
    requestsOf[dispatch.engine]!++;
    engines[dispatch.engine]!.submit(
      { rid: String(id), prompt: promptTokens(request), maxNewTokens: request.outputTokens, generate: () => generated },
      now,
    );
  });
  for (const engine of engines) engine.advanceTo(Number.MAX_SAFE_INTEGER);
  const totals = engines.map((engine) => engine.snapshot().totals);
  const sum = (pick: (one: (typeof totals)[number]) => number) => totals.reduce((all, one) => all + pick(one), 0);
  return {
    firstTokenMs,
    predictionErrorMs,
    requestsOf,
    tokenHitRate: sum((one) => one.cachedTokens) / sum((one) => one.promptTokens),
    retractions: sum((one) => one.retractions),
  };
}

/** Engines do not see each other, so each may run ahead alone; only events before `now` may be known to the router. */
function advanceAll(engines: readonly EngineCore[], now: number): void {
  for (const engine of engines) engine.advanceTo(now);
}
