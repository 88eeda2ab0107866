import fc from 'fast-check';
import { createEngineCore } from '../../../runtime/engine-sim/core/engine-core.ts';
import type { EngineSettings } from '../../../runtime/engine-sim/core/types.ts';
import { roundSettings } from './recorded-engine.ts';
import { RequestLedger, type RequestPlan } from './request-ledger.ts';

const settings: fc.Arbitrary<EngineSettings> = fc
  .record({
    chunkedPrefillTokens: fc.integer({ min: 1, max: 40 }),
    maxTotalTokens: fc.integer({ min: 60, max: 300 }),
    maxRunningRequests: fc.integer({ min: 1, max: 12 }),
    maxQueuedRequests: fc.oneof(fc.constant(undefined), fc.nat(8)),
    cacheBlockTokens: fc.integer({ min: 1, max: 4 }),
    decodeLogInterval: fc.integer({ min: 1, max: 5 }),
    scheduleConservativeness: fc.constantFrom(0, 0.3, 1),
  })
  .map((some) => ({ ...roundSettings, ...some }));

const plan: fc.Arbitrary<RequestPlan> = fc.record({
  prompt: fc.array(fc.nat(2), { minLength: 1, maxLength: 60 }),
  maxNewTokens: fc.integer({ min: 1, max: 150 }),
  stopAfter: fc.oneof(fc.integer({ min: 1, max: 60 }), fc.constant(1_000)),
  abortAtToken: fc.oneof({ weight: 8, arbitrary: fc.constant(undefined) }, fc.integer({ min: 1, max: 40 })),
  isRepeated: fc.boolean(),
});

const step = fc.record({
  waitMs: fc.oneof(fc.constant(0), fc.nat(100), fc.double({ min: 0, max: 30, noNaN: true })),
  action: fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('submit' as const), plan }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('abort' as const), which: fc.nat() }) },
    { weight: 1, arbitrary: fc.constant({ do: 'advance' as const }) },
  ),
});

test('no request is lost, ended twice, served out of order or leaves memory behind, whatever comes', () => {
  let retractions = 0;
  fc.assert(
    fc.property(settings, fc.array(step, { minLength: 1, maxLength: 50, size: 'max' }), (chosen, steps) => {
      const ledger = new RequestLedger(chosen);
      const core = createEngineCore(chosen, ledger.listen);
      ledger.core = core;
      let now = 0;
      for (const { waitMs, action } of steps) {
        now += waitMs;
        if (action.do === 'submit') ledger.submit(action.plan, now);
        else if (action.do === 'advance') ledger.advance(now);
        else if (ledger.entries.size > 0) ledger.abort(`r${action.which % ledger.entries.size}`, now);
      }
      for (let at = core.nextEventAt(); at !== undefined; at = core.nextEventAt()) ledger.advance(Math.max(at, now));
      for (const { ending } of ledger.entries.values()) expect(ending).toBeDefined();
      const load = core.snapshot();
      expect(load).toMatchObject({ runningRequests: 0, waitingRequests: 0, pendingTokens: 0, usedTokens: 0 });
      const tokens = [...ledger.entries.values()].reduce((sum, entry) => sum + entry.tokens, 0);
      expect(load.totals.generatedTokens).toBe(tokens);
      retractions += load.totals.retractions;
    }),
    { numRuns: 600 },
  );

  expect(retractions).toBeGreaterThan(0);
});

test('one request after the other finds in the cache exactly what the earlier ones computed', () => {
  const blockTokens = fc.integer({ min: 1, max: 5 });
  fc.assert(
    fc.property(blockTokens, fc.array(plan, { maxLength: 12 }), (cacheBlockTokens, plans) => {
      const cachedTokens: number[] = [];
      const core = createEngineCore({ ...roundSettings, cacheBlockTokens, chunkedPrefillTokens: 25 }, (event) => {
        if (event.kind === 'finished') cachedTokens.push(event.cachedTokens);
      });
      const computed = new Set<string>();
      for (const [index, { prompt, maxNewTokens }] of plans.entries()) {
        const generate = (position: number) => ({ token: position % 3, stop: false });
        const reusable = naiveReusable(computed, prompt, cacheBlockTokens);
        expect(core.cachedPrefixTokens(prompt)).toBe(reusable);
        core.submit({ rid: `r${index}`, prompt, maxNewTokens, generate }, 1e6 * index);
        core.advanceTo(1e6 * (index + 1) - 1);
        expect(cachedTokens.at(-1)).toBe(reusable);
        const answer = Array.from({ length: maxNewTokens - 1 }, (_, position) => position % 3);
        addBlocks(computed, [...prompt, ...answer], cacheBlockTokens);
        expect(core.snapshot().evictableTokens).toBe(computed.size);
      }
    }),
    { numRuns: 100 },
  );
});

function addBlocks(computed: Set<string>, tokens: readonly number[], blockTokens: number): void {
  const whole = tokens.length - (tokens.length % blockTokens);
  for (let length = 1; length <= whole; length++) computed.add(tokens.slice(0, length).join());
}

/** Longest run of whole blocks that was computed before, short of the whole prompt. */
function naiveReusable(computed: ReadonlySet<string>, prompt: readonly number[], blockTokens: number): number {
  let length = 0;
  while (length + blockTokens < prompt.length && computed.has(prompt.slice(0, length + blockTokens).join())) {
    length += blockTokens;
  }
  return length;
}
