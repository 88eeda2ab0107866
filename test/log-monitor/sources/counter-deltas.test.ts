import { describe, expect, test } from '@jest/globals';
import {
  compareTotals,
  noEngineYet,
  placeAfterDeath,
  placeAfterLook,
  placeAfterMiss,
  readGrowth,
  unknownPlace,
} from '../../../runtime/log-monitor/sources/counter-deltas.ts';
import type { CounterName, EngineTotals } from '../../../runtime/log-monitor/sources/engine-metrics.ts';

const totals = (
  counters: Partial<Record<CounterName, number>>,
  latency: readonly number[] = [],
  sum = 0,
): EngineTotals => ({
  counters,
  histograms: latency.length === 0 ? {} : { endToEndLatency: { bounds: [1, 2], counts: latency, sum } },
});

describe('growth', () => {
  test('is what was added since the last look', () => {
    const before = totals({ prefillTokens: 100, cachedTokens: 10, decodeTokens: 50 }, [4, 1, 0], 3);
    const now = totals({ prefillTokens: 130, cachedTokens: 10, decodeTokens: 90 }, [4, 3, 0], 6);
    expect(readGrowth(placeAfterLook(before), now)).toEqual({
      metrics: {
        prefillTokens: { values: [30] },
        cachedTokens: { values: [0] },
        generationTokens: { values: [40] },
        retractions: { values: [0] },
      },
      finished: { endToEndLatency: { values: [1.5], counts: [2] } },
    });
  });

  test('of an engine that may have run for days is unknown at the first look', () => {
    expect(readGrowth(unknownPlace, totals({ decodeTokens: 5_000_000 }))).toEqual({ metrics: {}, finished: {} });
  });

  test('of an engine that was seen to start is all that it has', () => {
    const { metrics } = readGrowth(placeAfterLook(noEngineYet), totals({ decodeTokens: 7 }));
    expect(metrics.generationTokens).toEqual({ values: [7] });
  });

  test('a counter that comes into being began at 0', () => {
    const before = totals({ decodeTokens: 5 });
    const now = totals({ decodeTokens: 5, retractions: 2 }, [3, 0, 0], 1.5);
    expect(readGrowth(placeAfterLook(before), now)).toMatchObject({
      metrics: { retractions: { values: [2] } },
      finished: { endToEndLatency: { values: [0.5], counts: [3] } },
    });
  });

  test('without new observations there is a reading, and it is empty', () => {
    const same = totals({ decodeTokens: 1 }, [3, 0, 0], 1);
    expect(readGrowth(placeAfterLook(same), same).finished.endToEndLatency).toEqual({ values: [], counts: [] });
  });

  test('cached tokens of finished requests are not prefilled, and never exceed the prompt', () => {
    const before = totals({ finishedPromptTokens: 0, finishedCachedTokens: 0, finishedGenerationTokens: 0 });
    const now = totals({ finishedPromptTokens: 100, finishedCachedTokens: 130, finishedGenerationTokens: 9 });
    expect(readGrowth(placeAfterLook(before), now).finished).toEqual({
      prefillTokens: { values: [0] },
      cachedTokens: { values: [100] },
      generationTokens: { values: [9] },
    });
  });
});

describe('a restart of the engine', () => {
  const before = totals(
    { prefillTokens: 100, decodeTokens: 50, finishedGenerationTokens: 40, cpuSeconds: 9 },
    [4, 0, 0],
  );

  test('counts all that the new one has', () => {
    const now = totals(
      { prefillTokens: 120, decodeTokens: 3, finishedGenerationTokens: 2, cpuSeconds: 1 },
      [0, 1, 0],
      1.5,
    );
    const { metrics, finished } = readGrowth(placeAfterLook(before), now);
    expect(metrics).toMatchObject({ prefillTokens: { values: [120] }, generationTokens: { values: [3] } });
    expect(finished.endToEndLatency).toEqual({ values: [1.5], counts: [1] });
  });

  test.each<[string, EngineTotals, string]>([
    ['a fallen counter', totals({ prefillTokens: 200, decodeTokens: 200, cpuSeconds: 8 }, [9, 0, 0]), 'reset'],
    ['a fallen bucket', totals({ prefillTokens: 100, decodeTokens: 50, cpuSeconds: 9 }, [3, 9, 0]), 'reset'],
    ['an engine that has counted nothing', totals({}), 'reset'],
    ['half an answer', totals({ prefillTokens: 100, decodeTokens: 50 }), 'implausible'],
    ['the same', before, 'grown'],
  ])('%s', (_, now, verdict) => {
    expect(compareTotals(before, now)).toBe(verdict);
  });

  test('other buckets are another engine', () => {
    const now: EngineTotals = {
      counters: { ...before.counters, cpuSeconds: 1 },
      histograms: { endToEndLatency: { bounds: [1, 2, 3], counts: [1, 0, 0, 0], sum: 0.5 } },
    };
    expect(readGrowth(placeAfterLook(before), now).finished.endToEndLatency).toEqual({ values: [0.5], counts: [1] });
  });
});

describe('a window without a look', () => {
  const place = placeAfterLook(totals({ decodeTokens: 10 }, [1, 0, 0], 0.5));
  const missed = placeAfterMiss(place, {
    generationTokens: { values: [5], source: 'log' },
    runningRequests: { values: [1], source: 'log' },
  });

  test('what another source counted in it is not counted again', () => {
    const { metrics, finished } = readGrowth(missed, totals({ decodeTokens: 17 }, [2, 0, 0], 1));
    expect(metrics.generationTokens).toBeUndefined();
    expect(finished.endToEndLatency).toEqual({ values: [0.5], counts: [1] });
  });

  test('when no engine ran in it, all of the next engine is new', () => {
    expect(readGrowth(placeAfterDeath(missed), totals({ decodeTokens: 4 })).metrics.generationTokens).toEqual({
      values: [4],
    });
    expect(readGrowth(placeAfterDeath(unknownPlace), totals({ decodeTokens: 4 })).metrics.generationTokens).toEqual({
      values: [4],
    });
  });

  test('then the counters count again', () => {
    const seen = placeAfterLook(totals({ decodeTokens: 17 }, [2, 0, 0], 1));
    expect(readGrowth(seen, totals({ decodeTokens: 20 }, [2, 0, 0], 1)).metrics.generationTokens).toEqual({
      values: [3],
    });
  });

  test('what nobody counted in it is not lost', () => {
    const nobody = placeAfterMiss(place, {});
    expect(readGrowth(nobody, totals({ decodeTokens: 17 }, [1, 0, 0], 0.5)).metrics.generationTokens).toEqual({
      values: [7],
    });
  });
});
