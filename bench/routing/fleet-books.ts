import { blockTokens } from '../../runtime/cli/replay/trace.ts';
import { priorAnswerTokens } from '../../runtime/router/coordinator/worker.ts';
import { chooseWorker, type Policy, type RoutableWorker, restBlocks } from '../../runtime/router/policy/policy.ts';
import { type PrefillEntry, PrefillQueue } from '../../runtime/router/policy/prefill-queue.ts';
import { PrefixBudget } from '../../runtime/router/policy/prefix-budget.ts';
import { type PrefixHold, PrefixIndex } from '../../runtime/router/policy/prefix-index.ts';
import type { OfflineRouterMaker } from './offline-router.ts';

interface BookedWorker extends RoutableWorker {
  readonly engine: number;
  inFlightRequests: number;
  inFlightTokens: number;
  lastSentAtMs: number;
}

interface InFlight {
  readonly worker: BookedWorker;
  readonly promptTokens: number;
  readonly entry: PrefillEntry;
  readonly hold: PrefixHold;
}

const prefixBytes = 128 * 1024 * 1024;

/** Our router offline: one of its policies over the books that its relay keeps. */
export function fleetBooks(policy: Policy): OfflineRouterMaker {
  return (engines, trace) => {
    let answers = 0;
    let answeredTokens = 0;
    const inFlight = new Map<number, InFlight>();
    const budget = new PrefixBudget(prefixBytes);
    const workers = engines.map((engine, index): BookedWorker => {
      const { maxTotalTokens } = engine.snapshot();
      return {
        id: `w${index}`,
        engine: index,
        inFlightRequests: 0,
        inFlightTokens: 0,
        lastSentAtMs: 0,
        kvTokens: maxTotalTokens,
        prefill: new PrefillQueue(),
        prefixes: new PrefixIndex(Math.floor(maxTotalTokens / blockTokens), budget),
      };
    });
    return {
      name: policy.name,
      send(id, facts, nowMs) {
        const { worker, uncachedTokens } = chooseWorker(policy, facts, workers, nowMs)!;
        const predictedMs = worker.prefill.firstTokenMs(uncachedTokens, nowMs);
        const entry = worker.prefill.add(uncachedTokens, nowMs, true);
        const answerTokens = answers > 0 ? answeredTokens / answers : priorAnswerTokens;
        const hold = worker.prefixes.hold(facts.chain, restBlocks(facts, answerTokens));
        inFlight.set(id, { worker, promptTokens: facts.promptTokens, entry, hold });
        worker.inFlightRequests++;
        worker.inFlightTokens += facts.promptTokens;
        worker.lastSentAtMs = nowMs;
        return { engine: worker.engine, predictedMs };
      },
      firstToken(id, nowMs) {
        const { worker, entry } = inFlight.get(id)!;
        worker.prefill.firstToken(entry, nowMs);
      },
      end(id) {
        const { worker, promptTokens, hold } = inFlight.get(id)!;
        worker.inFlightRequests--;
        worker.inFlightTokens -= promptTokens;
        worker.prefixes.release(hold);
        inFlight.delete(id);
        answers++;
        answeredTokens += trace[id]!.outputTokens;
      },
    };
  };
}
