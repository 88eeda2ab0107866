import { readEmf, sumOfEmf } from '../../support/emf-reader.ts';
import { report, testSink, utilization } from '../../support/test-metric-sink.ts';

const tokens = (value: number) => ({ name: 'GenerationTokens', unit: 'Count', values: [value] }) as const;

test('reports of a minute share a line, which is written when the minute is over', async () => {
  const { sink, now, lines, advance } = testSink({ publish: 'emf' });
  const startMs = now();
  for (let interval = 1; interval <= 6; interval++) {
    await advance(10_000);
    sink.send(report(now() - 5_000, [tokens(interval)], { properties: { sequence: interval, model: 'qwen' } }));
  }
  expect(lines).toEqual([]);
  await advance(3_000);
  expect(lines).toHaveLength(1);
  expect(readEmf(lines[0]!)).toMatchObject([{ atMs: startMs, values: [1, 2, 3, 4, 5, 6] }]);
  expect(JSON.parse(lines[0]!)).toMatchObject({ sequence: 6, model: 'qwen' });
  await sink.close();
  expect(lines).toHaveLength(1);
});

test('a line a report when asked for, at once', () => {
  const { sink, now, lines, clock } = testSink({ publish: 'emf', emfLine: 'report' });
  sink.send(report(now(), [tokens(1), utilization(0.5)], { properties: { sequence: 1 } }));
  sink.send(report(now(), [tokens(2)], { properties: { other: 2 } }));
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { sequence: 1, GenerationTokens: 1, Utilization: 0.5 },
    { other: 2, GenerationTokens: 2 },
  ]);
  expect(JSON.parse(lines[1]!)).not.toHaveProperty('sequence');
  expect(clock.pending).toBe(0);
});

test('without calls, the metric that drives scaling does not wait for the minute', () => {
  const { sink, now, lines } = testSink({ publish: 'emf' });
  sink.send(report(now() + 10_000, [tokens(1), utilization(0.5)]));
  expect(lines.flatMap(readEmf)).toMatchObject([{ name: 'Utilization', resolutionSeconds: 1, values: [0.5] }]);
});

test('each set of dimensions has a line and properties of its own', async () => {
  const { sink, now, lines } = testSink({ publish: 'emf' });
  const startup = { name: 'StartupSeconds', unit: 'Seconds', values: [12.5] } as const;
  sink.send(report(now(), [startup], { dimensions: { Phase: 'weights' }, properties: { instanceId: 'i-1' } }));
  sink.send(report(now(), [startup], { dimensions: { Phase: 'graphs' } }));
  await sink.close();
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { Phase: 'weights', instanceId: 'i-1', StartupSeconds: 12.5 },
    { Phase: 'graphs', StartupSeconds: 12.5 },
  ]);
  expect(JSON.parse(lines[1]!)).not.toHaveProperty('instanceId');
});

test('closing writes the minute as far as it has come, and ends the timers', async () => {
  const { sink, now, lines, clock } = testSink({ publish: 'emf' });
  sink.send(report(now(), [tokens(5)]));
  await sink.close();
  expect(sumOfEmf(lines, 'GenerationTokens')).toBe(5);
  expect(clock.pending).toBe(0);
});

test('over an hour every token is written once, in one line a minute', async () => {
  const { sink, now, lines, advance } = testSink({ publish: 'emf' });
  for (let interval = 0; interval < 360; interval++) {
    await advance(10_000);
    sink.send(report(now(), [tokens(1_000 + interval)]));
  }
  await sink.close();
  expect(sumOfEmf(lines, 'GenerationTokens')).toBe(360_000 + (359 * 360) / 2);
  expect(lines).toHaveLength(61);
});
