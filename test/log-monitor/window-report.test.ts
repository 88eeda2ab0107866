import { describe, expect, test } from '@jest/globals';
import { WindowAggregator } from '../../runtime/log-monitor/aggregate.ts';
import type { PublishedWindow } from '../../runtime/log-monitor/published-window.ts';
import { windowReports } from '../../runtime/log-monitor/window-report.ts';

const identity = { groupName: 'dev-workers-chat', instanceId: 'i-1' };
const quiet: PublishedWindow = {
  ...new WindowAggregator().close(),
  sequence: 7,
  from: '2026-11-22T00:00:00.000Z',
  to: '2026-11-22T00:00:10.000Z',
  model: 'qwen',
  isInService: true,
  utilization: 0.25,
  capacityRequests: 40,
  measurements: {},
  engineRestarts: 0,
  startups: [],
};
const reports = (change: Partial<PublishedWindow>) => windowReports({ ...quiet, ...change }, identity);
const metrics = (change: Partial<PublishedWindow>) => reports(change).flatMap((report) => report.metrics);

test('a window is one report of the group, with the worker as its detail', () => {
  expect(
    reports({
      measurements: {
        runningRequests: { values: [8], source: 'loads' },
        prefillTokens: { values: [300], source: 'log' },
        cachedTokens: { values: [100], source: 'log' },
        timeToFirstToken: { values: [0.05, 0.3], counts: [4, 1], source: 'metrics-finished' },
        endToEndLatency: { values: [], counts: [], source: 'metrics-finished' },
        retractions: { values: [0], source: 'log' },
      },
      crashes: ['nccl'],
    }),
  ).toEqual([
    {
      atMs: Date.UTC(2026, 10, 22, 0, 0, 10),
      dimensions: { AutoScalingGroupName: 'dev-workers-chat' },
      metrics: [
        { name: 'Utilization', unit: 'None', values: [0.25], drivesScaling: true },
        { name: 'RunningRequests', unit: 'Count', values: [8] },
        { name: 'PrefillTokens', unit: 'Count', values: [300] },
        { name: 'CachedTokens', unit: 'Count', values: [100] },
        { name: 'TimeToFirstToken', unit: 'Seconds', values: [0.05, 0.3], counts: [4, 1] },
        { name: 'CacheHitRate', unit: 'None', values: [0.25], counts: [400] },
      ],
      properties: {
        instanceId: 'i-1',
        model: 'qwen',
        sequence: 7,
        isInService: true,
        capacityRequests: 40,
        sources:
          'loads: RunningRequests; log: PrefillTokens CachedTokens Retractions; ' +
          'metrics-finished: TimeToFirstToken EndToEndLatency',
        crashes: 'nccl',
      },
    },
  ]);
});

describe('the scaling metric', () => {
  test('is alone in driving scaling', () => {
    const measurements = { runningRequests: { values: [8], source: 'loads' } } as const;
    expect(metrics({ measurements }).map(({ drivesScaling }) => drivesScaling)).toEqual([true, undefined]);
  });

  test('is withheld from a worker that is not in service, and nothing else is', () => {
    const measurements = { runningRequests: { values: [8], source: 'loads' } } as const;
    expect(metrics({ isInService: false, measurements }).map(({ name }) => name)).toEqual(['RunningRequests']);
  });

  test('of an idle worker is 0, so that the group can shrink', () => {
    expect(metrics({ utilization: 0 })).toEqual([
      { name: 'Utilization', unit: 'None', values: [0], drivesScaling: true },
    ]);
  });
});

describe('the hit rate', () => {
  const tokens = (prefill: number, cached: number, source: 'log' | 'metrics' = 'log') =>
    metrics({
      utilization: null,
      measurements: { prefillTokens: { values: [prefill], source: 'log' }, cachedTokens: { values: [cached], source } },
    }).find(({ name }) => name === 'CacheHitRate');

  test('is absent without prompts', () => expect(tokens(0, 0)).toBeUndefined());
  test('is absent when its parts come from different sources', () => expect(tokens(5, 5, 'metrics')).toBeUndefined());
  test('is 1 when everything was cached', () => expect(tokens(0, 5)).toMatchObject({ values: [1], counts: [5] }));
});

test('retractions and restarts are told only when there were any', () => {
  const names = metrics({
    utilization: null,
    engineRestarts: 2,
    measurements: { retractions: { values: [3], source: 'log' } },
  }).map(({ name, values }) => [name, values]);
  expect(names).toEqual([
    ['Retractions', [3]],
    ['EngineRestarts', [2]],
  ]);
});

test('each part of a start is a report with the dimension Phase', () => {
  const told = reports({ utilization: null, startups: [{ 'load-weight': 4, total: 30 }, { total: 30 }] });
  expect(told.map(({ dimensions, metrics: [metric] }) => [dimensions['Phase'], metric])).toEqual([
    ['load-weight', { name: 'StartupSeconds', unit: 'Seconds', values: [4], counts: [1] }],
    ['total', { name: 'StartupSeconds', unit: 'Seconds', values: [30], counts: [2] }],
  ]);
});

test('a window about which nothing is known says nothing', () => {
  expect(reports({ utilization: null })).toEqual([]);
});
