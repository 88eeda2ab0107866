import fc from 'fast-check';
import { emfLines } from '../../../runtime/shared/cloudwatch/emf-line.ts';
import { dimensionsKey, pointsOf } from '../../../runtime/shared/cloudwatch/metric-point.ts';
import type { MetricReport } from '../../../runtime/shared/cloudwatch/metric-report.ts';
import { readEmf } from '../../support/emf-reader.ts';

const minuteMs = Date.UTC(2026, 10, 27, 1, 2);
const group = { AutoScalingGroupName: 'dev-workers-chat' };

function linesOf(report: MetricReport): string[] {
  const { points } = pointsOf(report, minuteMs + 60_000);
  const properties = new Map([[dimensionsKey(report.dimensions), report.properties ?? {}]]);
  return emfLines({ namespace: 'SGLang/Fleet', points, properties });
}

test('a report is one line: metrics with their definition, the rest as properties', () => {
  const lines = linesOf({
    atMs: minuteMs + 42_000,
    dimensions: group,
    metrics: [
      { name: 'RunningRequests', unit: 'Count', values: [3] },
      { name: 'TimeToFirstToken', unit: 'Seconds', values: [0.25, 0.123456789], counts: [2, 1] },
    ],
    properties: { instanceId: 'i-0123456789abcdef0', spot: true, gpu: null, sequence: 12 },
  });
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    {
      instanceId: 'i-0123456789abcdef0',
      spot: true,
      gpu: null,
      sequence: 12,
      AutoScalingGroupName: 'dev-workers-chat',
      RunningRequests: 3,
      TimeToFirstToken: [0.25, 0.25, 0.123457],
      _aws: {
        Timestamp: minuteMs,
        CloudWatchMetrics: [
          {
            Namespace: 'SGLang/Fleet',
            Dimensions: [['AutoScalingGroupName']],
            Metrics: [
              { Name: 'RunningRequests', Unit: 'Count' },
              { Name: 'TimeToFirstToken', Unit: 'Seconds' },
            ],
          },
        ],
      },
    },
  ]);
});

test('a scaling metric keeps its resolution', () => {
  const [line] = linesOf({
    atMs: minuteMs + 42_000,
    dimensions: group,
    metrics: [{ name: 'Utilization', unit: 'None', values: [0.5], drivesScaling: true }],
  });
  expect(readEmf(line!)).toMatchObject([{ name: 'Utilization', resolutionSeconds: 1, atMs: minuteMs + 42_000 }]);
});

test('a property takes neither the place of a metric nor of a dimension nor of the metadata', () => {
  const properties = { Tokens: 'x', AutoScalingGroupName: 'y', _aws: 'z', ['__proto__']: 'p', constructor: 'c' };
  const [line] = linesOf({
    atMs: minuteMs,
    dimensions: group,
    metrics: [{ name: 'Tokens', unit: 'Count', values: [5] }],
    properties,
  });
  expect(readEmf(line!)).toMatchObject([{ name: 'Tokens', values: [5], dimensions: group }]);
  expect(JSON.parse(line!)).toMatchObject({ constructor: 'c' });
  expect(line).toContain('"__proto__":"p"');
});

test('more observations than an array may have members become values with counts', () => {
  const [line] = linesOf({
    atMs: minuteMs,
    dimensions: group,
    metrics: [{ name: 'InterTokenLatency', unit: 'Seconds', values: [0.02, 0.04], counts: [9_000, 1_000] }],
  });
  expect(JSON.parse(line!)['InterTokenLatency']).toEqual({
    ...{ Values: [0.02, 0.04], Counts: [9_000, 1_000] },
    ...{ Min: 0.02, Max: 0.04, Count: 10_000, Sum: 220 },
  });
});

const metric = fc.record({
  name: fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,40}$/),
  unit: fc.constantFrom('Count' as const, 'Seconds' as const, 'None' as const),
  values: fc.array(
    fc.oneof(fc.nat(), fc.double({ min: 1e-3, max: 1e6, noNaN: true }), fc.double({ noNaN: true, min: -1e300 })),
    { maxLength: 400 },
  ),
  drivesScaling: fc.boolean(),
});

test('any report gives lines that CloudWatch accepts, and no observation is lost', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(metric, { selector: ({ name }) => name, maxLength: 250 }),
      fc.dictionary(fc.stringMatching(/^[A-Za-z]{1,9}$/), fc.stringMatching(/^[a-z0-9-]{1,40}$/), { maxKeys: 30 }),
      fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.double({ noNaN: true }), fc.boolean(), fc.constant(null))),
      (metrics, dimensions, properties) => {
        const report = { atMs: minuteMs, dimensions, metrics, properties };
        const { points } = pointsOf(report, minuteMs);
        const extracted = linesOf(report).flatMap(readEmf);
        for (const { name, counts } of points) {
          const expected = [...counts.values()].reduce((sum, count) => sum + count, 0);
          const found = extracted.filter((other) => other.name === name).flatMap((other) => other.counts);
          expect(found.reduce((sum, count) => sum + count, 0)).toBe(expected);
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('a line has a hundred metrics at most', () => {
  const metrics = Array.from(
    { length: 250 },
    (_, index) => ({ name: `M${index}`, unit: 'None', values: [1] }) as const,
  );
  const lines = linesOf({ atMs: minuteMs, dimensions: group, metrics });
  expect(lines.map((line) => readEmf(line).length)).toEqual([100, 100, 50]);
});

test('a hundred metrics of a hundred long values stay below the size of a log event', () => {
  const values = Array.from({ length: 100 }, (_, index) => -(1.234567 + index) * 1e100);
  const counts = values.map((_, index) => 1e15 + index);
  const metrics = Array.from(
    { length: 250 },
    (_, index) => ({ name: `Metric${index}`, unit: 'None', values, counts }) as const,
  );
  const lines = linesOf({ atMs: minuteMs, dimensions: group, metrics });
  expect(lines.flatMap(readEmf)).toHaveLength(250);
});
