import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createMetricSink } from '../../../runtime/shared/cloudwatch/create-sink.ts';
import { sdkPutCall } from '../../../runtime/shared/cloudwatch/put-call.ts';
import { readEmf } from '../../support/emf-reader.ts';
import { FakeCloudWatch } from '../../support/fake-cloudwatch.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { report, testCredentials, testLog, testSink, utilization } from '../../support/test-metric-sink.ts';

let credentials: Disposable;
beforeEach(() => {
  credentials = testCredentials();
});
afterEach(() => credentials[Symbol.dispose]());

const tokens = (value: number) => ({ name: 'GenerationTokens', unit: 'Count', values: [value] }) as const;

test('by default the scaling metric goes by call and the rest by log, each once', async () => {
  await using cloudWatch = await FakeCloudWatch.start();
  await using folder = await temporaryDirectory();
  const emfFile = path.join(folder.path, 'metrics.emf');
  const { sink, now, advance } = testSink({ endpoint: cloudWatch.endpoint, emfFile });
  for (let interval = 0; interval < 6; interval++) {
    sink.send(report(now(), [utilization(0.25 * interval), tokens(10)], { properties: { instanceId: 'i-1' } }));
    await advance(10_000);
  }
  await sink.close();
  expect(cloudWatch.calls).toHaveLength(6);
  expect(cloudWatch.calls.flatMap(({ data }) => data.map(({ MetricName }) => MetricName))).toEqual(
    Array<string>(6).fill('Utilization'),
  );
  const lines = (await readFile(emfFile, 'utf8')).trimEnd().split('\n');
  expect(lines.flatMap(readEmf)).toMatchObject([{ name: 'GenerationTokens', values: [10, 10, 10, 10, 10, 10] }]);
  // What went by call is still told of this machine, as a property that makes no metric.
  expect(JSON.parse(lines[0]!)).toMatchObject({ instanceId: 'i-1', Utilization: 1.25 });
});

test('CloudWatch out of reach does not keep lines from the log', async () => {
  await using cloudWatch = await FakeCloudWatch.start();
  cloudWatch.always = 'hang';
  const { sink, now, clock, lines, logged } = testSink({ endpoint: cloudWatch.endpoint });
  sink.send(report(now(), [utilization(0.5), tokens(10)]));
  const closed = sink.close();
  expect(lines.flatMap(readEmf)).toMatchObject([{ name: 'GenerationTokens' }]);
  clock.advance(5_000);
  await closed;
  expect(logged.at(-1)).toMatchObject({ msg: 'metrics lost at shutdown' });
});

test('off AWS, without a region, metrics are kept and the log says what to do', async () => {
  const { log, logged } = testLog();
  const call = sdkPutCall({ findRegion: async () => undefined });
  const sink = createMetricSink({ publish: 'put', call, log, closeDeadlineMs: 200 });
  sink.send(report(Date.now(), [tokens(1)]));
  await sink.close();
  expect(logged[0]).toMatchObject({ level: 'warn', reason: expect.stringContaining('set AWS_REGION') });
  expect(logged.at(-1)).toMatchObject({ msg: 'metrics lost at shutdown' });
});
