import { agentConfig } from '../../../lib/cloudwatch-agent.ts';
import { metricNamespace } from '../../../lib/names.ts';
import {
  gpuMetrics,
  machineMetrics,
  routerMetrics,
  startupPhases,
  workerMetrics,
} from '../../../lib/operations/fleet-metrics.ts';
import { WindowAggregator } from '../../../runtime/log-monitor/aggregate.ts';
import { type Measurements, measures } from '../../../runtime/log-monitor/sources/measurement.ts';
import { windowReports } from '../../../runtime/log-monitor/window-report.ts';
import { Traffic } from '../../../runtime/router/scaling/traffic.ts';
import { trafficReport } from '../../../runtime/router/scaling/traffic-report.ts';
import {
  alarmsOf,
  exampleConfig,
  graphedMetrics,
  metricsOf,
  operationsOf,
  widgetsOf,
} from '../../support/operations-template.ts';

const template = operationsOf(exampleConfig('production'));
const ownNames = (metrics: readonly (readonly [string, string])[]) =>
  metrics.filter(([namespace]) => namespace === metricNamespace).map(([, name]) => name);
const published = [...routerMetrics, ...workerMetrics, ...machineMetrics, ...gpuMetrics, 'StartupSeconds'];

test('routers publish the metrics that are theirs', () => {
  const traffic = new Traffic();
  traffic.routed(100, { promptTokens: 10 }, { uncachedTokens: 10, leastUncachedTokens: 0 });
  traffic.firstTokenAfter(100);
  traffic.raised();
  const facts = { heldRequests: 0, groupName: 'workers', routerId: 'router', atMs: 0 };
  const report = trafficReport({ interval: traffic.take(), ...facts });
  expect(report.metrics.map(({ name }) => name).sort()).toEqual([...routerMetrics].sort());
  expect(Object.keys(report.dimensions)).toEqual(['AutoScalingGroupName']);
});

test('log monitors publish the metrics that are theirs', () => {
  const window = {
    ...new WindowAggregator().close(),
    ...{ sequence: 1, from: '2026-11-22T00:00:00.000Z', to: '2026-11-22T00:00:10.000Z', model: null },
    ...{ isInService: true, utilization: 0.5, capacityRequests: 40, engineRestarts: 1, startups: [{ total: 60 }] },
    measurements: Object.fromEntries(measures.map((name) => [name, { values: [1], source: 'log' }])) as Measurements,
  };
  const reports = windowReports(window, { groupName: 'workers', instanceId: 'i-1' });
  const names = reports.flatMap(({ metrics }) => metrics.map(({ name }) => name));
  expect(names.sort()).toEqual([...workerMetrics, 'StartupSeconds'].sort());
  expect(new Set(reports.flatMap(({ dimensions }) => Object.keys(dimensions)))).toEqual(
    new Set(['AutoScalingGroupName', 'Phase']),
  );
});

test('the CloudWatch agent publishes the metrics that are its own', () => {
  const { metrics_collected: collected } = agentConfig({ logGroupName: 'logs', units: ['unit'], hasGpu: true }).metrics;
  // The agent calls its collector of NVIDIA's GPUs by the program that it runs.
  const names = Object.entries(collected).flatMap(([collector, { measurement }]) =>
    measurement.map((name) => `${collector === 'nvidia_gpu' ? 'nvidia_smi' : collector}_${name}`),
  );
  expect(names.sort()).toEqual([...machineMetrics, ...gpuMetrics].sort());
});

test('the dashboard shows all that is published, and nothing that is not', () => {
  const shown = ownNames(graphedMetrics(widgetsOf(template)).map(({ namespace, name }) => [namespace, name]));
  expect([...new Set(shown)].sort()).toEqual([...published].sort());
});

test('alarms look at nothing that is not published', () => {
  const watched = ownNames(alarmsOf(template).flatMap(metricsOf));
  expect(watched.length).toBeGreaterThan(5);
  for (const name of watched) expect(published).toContain(name);
});

test('starts are shown by all of their phases', () => {
  const phases = graphedMetrics(widgetsOf(template)).flatMap(({ dimensions }) => dimensions['Phase'] ?? []);
  expect(phases).toEqual([...startupPhases]);
});
