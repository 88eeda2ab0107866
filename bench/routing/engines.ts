/** Runs simulated engines and takes calls over IPC; started by main.ts. */
import type { EngineSettings } from '../../runtime/engine-sim/core/types.ts';
import { type EngineServer, startEngineServer } from '../../runtime/engine-sim/server.ts';
import { answerCalls } from '../support/remote-calls.ts';

export type EngineCall =
  /** Replaces the engines by new ones; answers with their base URLs. */
  | {
      readonly kind: 'start';
      readonly count: number;
      readonly settings: EngineSettings;
      readonly timeScale: number;
    }
  /** Answers with an EngineTotals per engine. */
  | { readonly kind: 'totals' }
  /** Answers whether all caches are empty now; they are not while requests are in flight. */
  | { readonly kind: 'flush' };

export interface EngineTotals {
  readonly finishedRequests: number;
  readonly promptTokens: number;
  readonly cachedTokens: number;
}

let engines: EngineServer[] = [];

answerCalls<EngineCall>(async (call) => {
  switch (call.kind) {
    case 'start':
      await Promise.all(engines.map((engine) => engine.close()));
      engines = await Promise.all(
        Array.from({ length: call.count }, () =>
          startEngineServer({ settings: call.settings, timeScale: call.timeScale, skipServerWarmup: true }),
        ),
      );
      await Promise.all(engines.map((engine) => engine.ready));
      return engines.map(({ url }) => url);
    case 'totals':
      return engines.map(({ core }): EngineTotals => {
        const { finishedRequests, promptTokens, cachedTokens } = core.snapshot().totals;
        return { finishedRequests, promptTokens, cachedTokens };
      });
    case 'flush':
      return engines.map(({ core }) => core.flushCache()).every((isFlushed) => isFlushed);
  }
});
