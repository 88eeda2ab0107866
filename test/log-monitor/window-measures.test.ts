import { describe, expect, test } from '@jest/globals';
import { placeAfterLook, unknownPlace } from '../../runtime/log-monitor/sources/counter-deltas.ts';
import type { EngineMetrics, EngineTotals } from '../../runtime/log-monitor/sources/engine-metrics.ts';
import { measureWindow, noLook } from '../../runtime/log-monitor/window-measures.ts';

const totals = (decodeTokens: number): EngineTotals => ({
  counters: { prefillTokens: 2 * decodeTokens, decodeTokens },
  histograms: {},
});
const metrics = (decodeTokens: number): EngineMetrics => ({
  totals: totals(decodeTokens),
  runningRequests: 5,
  queuedRequests: null,
  kvCacheUsage: 0.5,
  modelName: 'm',
});
const load = (runningRequests: number, kvCacheUsage: number | null = 0.2) => ({
  runningRequests,
  queuedRequests: 0,
  kvCacheUsage,
  maxRunningRequests: 8,
});
const logged = { log: { generationTokens: { values: [40] }, runningRequests: { values: [9] } }, requestLog: {} };

describe('gauges', () => {
  test('are the mean of what was seen of the load', () => {
    const { measurements } = measureWindow({ loads: [load(1), load(4)], metrics: 'missing' }, logged, unknownPlace);
    expect(measurements.runningRequests).toEqual({ values: [2.5], source: 'loads' });
    expect(measurements.kvCacheUsage).toEqual({ values: [0.2], source: 'loads' });
  });

  test('fall back one by one', () => {
    const { measurements } = measureWindow({ loads: [load(1, null)], metrics: metrics(1) }, logged, unknownPlace);
    expect(measurements.runningRequests?.source).toBe('loads');
    expect(measurements.kvCacheUsage).toEqual({ values: [0.5], source: 'metrics' });
    expect(measureWindow(noLook, logged, unknownPlace).measurements.runningRequests?.source).toBe('log');
  });
});

/** Plays windows one after another, and gives what each said of generated tokens. */
function play(looks: readonly (number | 'refused' | 'missing')[]) {
  let place = unknownPlace;
  return looks.map((look) => {
    const seen = typeof look === 'number' ? metrics(look) : look;
    const window = measureWindow({ loads: [], metrics: seen }, logged, place);
    place = JSON.parse(JSON.stringify(window.place));
    const { values, source } = window.measurements.generationTokens!;
    return `${values[0]} ${source}`;
  });
}

describe('generated tokens', () => {
  test('of an engine that ran before are counted from the second look on', () => {
    expect(play([500, 530, 530, 600])).toEqual(['40 log', '30 metrics', '0 metrics', '70 metrics']);
  });

  test('of an engine that was awaited are counted from its first token on', () => {
    expect(play(['refused', 'refused', 12, 20])).toEqual(['40 log', '40 log', '12 metrics', '8 metrics']);
  });

  test('are not counted twice when the counters are away for a while', () => {
    expect(play([500, 530, 'missing', 600, 610])).toEqual(['40 log', '30 metrics', '40 log', '40 log', '10 metrics']);
  });

  test('begin anew with a new engine', () => {
    expect(play([500, 530, 'refused', 'refused', 9, 15])).toEqual([
      '40 log',
      '30 metrics',
      '40 log',
      '40 log',
      '9 metrics',
      '6 metrics',
    ]);
    expect(play([500, 530, 9, 15])).toEqual(['40 log', '30 metrics', '9 metrics', '6 metrics']);
  });

  test('half an answer changes nothing', () => {
    const place = placeAfterLook(totals(100));
    const half: EngineMetrics = { ...metrics(0), totals: { counters: { decodeTokens: 120 }, histograms: {} } };
    const window = measureWindow({ loads: [], metrics: half }, logged, place);
    expect(window.measurements.generationTokens?.source).toBe('log');
    expect(window.place).toEqual({ totals: totals(100), countedElsewhere: ['generationTokens'] });
  });
});
