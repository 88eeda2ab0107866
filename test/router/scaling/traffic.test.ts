import { Traffic } from '../../../runtime/router/scaling/traffic.ts';
import { trafficReport } from '../../../runtime/router/scaling/traffic-report.ts';

const prompt = { promptTokens: 1_000 };
const chose = (uncachedTokens: number, leastUncachedTokens: number) => ({ uncachedTokens, leastUncachedTokens });
const reportOf = (traffic: Traffic, heldRequests = 0) =>
  trafficReport({ interval: traffic.take(), heldRequests, groupName: 'workers', routerId: 'r-1', atMs: 5_000 });
const metricsOf = (traffic: Traffic, heldRequests?: number) =>
  Object.fromEntries(reportOf(traffic, heldRequests).metrics.map((metric) => [metric.name, metric]));

test('an interval becomes one report under the name of the group alone', () => {
  const traffic = new Traffic();
  traffic.routed(0, prompt, chose(1_000, 200));
  traffic.routed(0, prompt, chose(1_000, 1_000));
  traffic.routed(3_000, prompt, chose(200, 200));
  traffic.firstTokenAfter(250);
  traffic.ended('ok');
  traffic.raised();
  const report = reportOf(traffic, 7);
  expect(report).toMatchObject({
    atMs: 5_000,
    dimensions: { AutoScalingGroupName: 'workers' },
    properties: { router: 'r-1' },
  });
  expect(report.metrics).toEqual([
    { name: 'HeldRequests', unit: 'Count', values: [7] },
    { name: 'RejectedRequests', unit: 'Count', values: [0] },
    { name: 'GroupRaises', unit: 'Count', values: [1] },
    { name: 'QueueTime', unit: 'Seconds', values: [0, expect.closeTo(3, 0)], counts: [2, 1] },
    { name: 'ClientTimeToFirstToken', unit: 'Seconds', values: [expect.closeTo(0.25, 1)], counts: [1] },
    { name: 'HitRateRegret', unit: 'None', values: [0, 0.8], counts: [2, 1] },
  ]);
});

test('an idle router says that nothing is held and nothing refused, and leaves out what it cannot know', () => {
  const traffic = new Traffic();
  traffic.routed(1, prompt, chose(1, 1));
  traffic.take();
  expect(Object.keys(metricsOf(traffic))).toEqual(['HeldRequests', 'RejectedRequests']);
});

test('only refusals for want of capacity are rejections', () => {
  const traffic = new Traffic();
  const capacity = ['QUEUE_FULL', 'QUEUE_TIMEOUT', 'HOLD_FULL', 'NO_READY_WORKER', 'ENGINE_OVERLOADED'];
  for (const outcome of capacity) traffic.ended(outcome);
  for (const outcome of ['ok', 'client-gone', 'engine-400', 'RATE_LIMITED', 'MALFORMED_JSON']) traffic.ended(outcome);
  expect(metricsOf(traffic)['RejectedRequests']!.values).toEqual([capacity.length]);
});

test('totals of tokens go on over intervals, and a request without a prompt has no regret', () => {
  const traffic = new Traffic();
  traffic.routed(0, prompt, chose(1_000, 200));
  traffic.take();
  traffic.routed(0, prompt, chose(600, 500));
  traffic.routed(0, { promptTokens: 0 }, chose(0, 0));
  expect(traffic).toMatchObject({ promptTokens: 2_000, regretTokens: 900 });
  expect(metricsOf(traffic)['HitRateRegret']).toMatchObject({ values: [0.1], counts: [1] });
});
