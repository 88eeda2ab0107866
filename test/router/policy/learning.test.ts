import { agentSessions } from '../../../bench/routing/agent-sessions.ts';
import { routeTrace } from '../../../bench/routing/offline.ts';
import { exponential, seededRandom } from '../../../bench/routing/random.ts';
import { blockTokens, type TraceRequest } from '../../../runtime/cli/replay/trace.ts';
import type { EngineSettings } from '../../../runtime/engine-sim/core/types.ts';
import { defaultPreset } from '../../../runtime/engine-sim/presets.ts';
import { createPolicy, type PolicyName } from '../../../runtime/router/policy/policies.ts';

/** Engines whose prefill runs at `rates` tokens per second; the policy's prior is 8,000. */
const engines = (...rates: number[]): EngineSettings[] =>
  rates.map((prefillTokensPerSecond) => ({ ...defaultPreset.settings, prefillTokensPerSecond }));

/** Unrelated prompts of 100 to 20,000 tokens that take `load` of what the engines can prefill. */
function unrelatedPrompts(count: number, fleet: readonly EngineSettings[], load: number): TraceRequest[] {
  const random = seededRandom(1);
  const tokensPerMs = fleet.reduce((sum, engine) => sum + engine.prefillTokensPerSecond, 0) / 1_000;
  let timestampMs = 0;
  let nextId = 0;
  return Array.from({ length: count }, () => {
    const inputTokens = Math.ceil(100 * 200 ** random());
    timestampMs += exponential(random, 3_760 / tokensPerMs / load);
    const blockIds = Array.from({ length: Math.ceil(inputTokens / blockTokens) }, () => nextId++);
    return { timestampMs, inputTokens, outputTokens: 50, blockIds };
  });
}

function meanFirstTokenMs(trace: readonly TraceRequest[], fleet: readonly EngineSettings[], name: PolicyName): number {
  const { firstTokenMs } = routeTrace(trace, fleet, createPolicy(name));
  return firstTokenMs.reduce((sum, one) => sum + one, 0) / firstTokenMs.length;
}

/** Mean first-token time of predicted-ttft as a share of another policy's. */
const ratioTo = (other: PolicyName, trace: readonly TraceRequest[], fleet: readonly EngineSettings[]) =>
  meanFirstTokenMs(trace, fleet, 'predicted-ttft') / meanFirstTokenMs(trace, fleet, other);

describe('what predicted-ttft learns, on simulated engines in virtual time', () => {
  test.each([2_000, 8_000, 30_000])(
    'engines of %d tokens/s: whatever the prior says, better than the fewest requests',
    (rate) => {
      const fleet = engines(...Array<number>(4).fill(rate));
      expect(ratioTo('least-request', unrelatedPrompts(400, fleet, 0.7), fleet)).toBeLessThan(0.85);
    },
  );

  test('which engines of a mixed fleet are fast', () => {
    const fleet = engines(16_000, 16_000, 3_000, 3_000);
    expect(ratioTo('least-request', unrelatedPrompts(400, fleet, 0.7), fleet)).toBeLessThan(0.6);
  });

  test('to keep sessions where their context is when there is no room for computing it again', () => {
    const fleet = engines(8_000, 8_000, 8_000);
    expect(ratioTo('least-request', agentSessions(1, 9_000).slice(0, 500), fleet)).toBeLessThan(0.3);
  });
});
