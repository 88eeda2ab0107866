import { blockTokens, type TraceRequest } from '../../runtime/cli/replay/trace.ts';
import { createEngineCore } from '../../runtime/engine-sim/core/engine-core.ts';
import type { EngineCore, EngineSettings } from '../../runtime/engine-sim/core/types.ts';
import { chooseWorker, type Policy, type RoutableWorker } from '../../runtime/router/policy/policy.ts';
import { type PrefillEntry, PrefillQueue } from '../../runtime/router/policy/prefill-queue.ts';
import { PrefixBudget } from '../../runtime/router/policy/prefix-budget.ts';
import { PrefixIndex } from '../../runtime/router/policy/prefix-index.ts';
import { promptTokens } from '../sim/conversation-trace.ts';

/** What a policy made of a trace. Times in ms of engine time. */
export interface RoutingOutcome {
  readonly firstTokenMs: readonly number[];
  /** First-token time less what the router's book-keeping predicted at dispatch, whatever the policy made of it. */
  readonly predictionErrorMs: readonly number[];
  readonly tokenHitRate: number;
  readonly retractions: number;
  /** Requests by worker. */
  readonly requestsOf: readonly number[];
}

interface SimulatedWorker extends RoutableWorker {
  inFlightRequests: number;
  inFlightTokens: number;
  lastSentAtMs: number;
  readonly kvTokens: number;
  readonly engine: EngineCore;
  requests: number;
}

interface InFlight {
  readonly worker: SimulatedWorker;
  readonly promptTokens: number;
  readonly arrivedAtMs: number;
  readonly predictedMs: number;
  readonly entry: PrefillEntry;
}

const generated = { token: 7, stop: false };

/**
 * Plays a trace, in order of arrival, through engines and a policy without HTTP: the policy sees exactly what a router
 * sees (its own dispatches, first tokens and ends), the engines are the simulator's.
 * @param engines one entry per engine
 */
export function routeTrace(
  trace: readonly TraceRequest[],
  engines: readonly EngineSettings[],
  policy: Policy,
): RoutingOutcome {
  const inFlight = new Map<string, InFlight>();
  const firstTokenMs: number[] = [];
  const predictionErrorMs: number[] = [];
  const budget = new PrefixBudget(128 * 1024 * 1024);
  const workers = engines.map((settings, i): SimulatedWorker => {
    const engine = createEngineCore(settings, (event) => {
      if (event.kind === 'token' && event.position === 0) {
        const request = inFlight.get(event.rid)!;
        firstTokenMs.push(event.at - request.arrivedAtMs);
        predictionErrorMs.push(event.at - request.arrivedAtMs - request.predictedMs);
        request.worker.prefill.firstToken(request.entry, event.at);
      } else if (event.kind === 'finished') {
        const { worker, promptTokens } = inFlight.get(event.rid)!;
        worker.inFlightRequests--;
        worker.inFlightTokens -= promptTokens;
        inFlight.delete(event.rid);
      }
    });
    return {
      id: `w${i}`,
      engine,
      inFlightRequests: 0,
      inFlightTokens: 0,
      lastSentAtMs: 0,
      kvTokens: settings.maxTotalTokens,
      requests: 0,
      prefill: new PrefillQueue(),
      prefixes: new PrefixIndex(Math.floor(settings.maxTotalTokens / blockTokens), budget),
    };
  });
  trace.forEach((request, index) => {
    const now = request.timestampMs;
    advanceAll(workers, now);
    const facts = {
      chain: request.blockIds.slice(0, Math.floor(request.inputTokens / blockTokens)),
      promptTokens: request.inputTokens,
      tokensPerBlock: blockTokens,
    };
    const { worker, uncachedTokens } = chooseWorker(policy, facts, workers, now)!;
    const rid = `request-${index}`;
    inFlight.set(rid, {
      worker,
      promptTokens: facts.promptTokens,
      arrivedAtMs: now,
      predictedMs: worker.prefill.firstTokenMs(uncachedTokens, now),
      entry: worker.prefill.add(uncachedTokens, now, true),
    });
    worker.requests++;
    worker.inFlightRequests++;
    worker.inFlightTokens += facts.promptTokens;
    worker.lastSentAtMs = now;
    worker.prefixes.insert(facts.chain);
    worker.engine.submit(
      { rid, prompt: promptTokens(request), maxNewTokens: request.outputTokens, generate: () => generated },
      now,
    );
  });
  for (const { engine } of workers) engine.advanceTo(Number.MAX_SAFE_INTEGER);
  const totals = workers.map(({ engine }) => engine.snapshot().totals);
  const sum = (pick: (one: (typeof totals)[number]) => number) => totals.reduce((all, one) => all + pick(one), 0);
  return {
    firstTokenMs,
    predictionErrorMs,
    requestsOf: workers.map(({ requests }) => requests),
    tokenHitRate: sum((one) => one.cachedTokens) / sum((one) => one.promptTokens),
    retractions: sum((one) => one.retractions),
  };
}

/** Engines do not see each other, so each may run ahead alone; only events before `now` may be known to the policy. */
function advanceAll(workers: readonly SimulatedWorker[], now: number): void {
  for (const { engine } of workers) engine.advanceTo(now);
}
