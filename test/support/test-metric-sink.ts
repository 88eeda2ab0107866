import { createMetricSink, type MetricSinkOptions } from '../../runtime/shared/cloudwatch/create-sink.ts';
import type { Metric, MetricReport, MetricSink } from '../../runtime/shared/cloudwatch/metric-report.ts';
import { sdkPutCall } from '../../runtime/shared/cloudwatch/put-call.ts';
import { createLogger } from '../../runtime/shared/log.ts';
import { ManualClock } from './manual-clock.ts';
import { until } from './poll.ts';

/** A sink on time that a test moves, with the real AWS SDK behind it. */
export interface TestSink {
  readonly sink: MetricSink;
  readonly clock: ManualClock;
  /** Wall clock, ms since the epoch; moves with `clock`. */
  readonly now: () => number;
  /** Moves time on second by second and lets each call come to its end, which takes real time. */
  advance(ms: number): Promise<void>;
  /** What the sink logged, in order. */
  readonly logged: { readonly level: string; readonly msg: string; readonly [field: string]: unknown }[];
  /** Lines that were printed or would go to stdout. */
  readonly lines: string[];
}

export function testSink(options: Partial<MetricSinkOptions> = {}): TestSink {
  const clock = new ManualClock();
  // A whole minute, so that tests can speak of its parts.
  const startMs = Math.floor(Date.now() / 60_000) * 60_000;
  const now = () => startMs + clock.now();
  const { log, logged } = testLog();
  const lines: string[] = [];
  const call = sdkPutCall({ region: 'us-east-1', endpoint: options.endpoint });
  let callsInFlight = 0;
  const sink = createMetricSink({
    log,
    call: {
      ...call,
      send: async (request, signal) => {
        callsInFlight++;
        await call.send(request, signal).finally(() => callsInFlight--);
      },
    },
    clock,
    now,
    random: () => 1,
    write: (line) => lines.push(line),
    ...options,
  });
  const advance = async (ms: number) => {
    for (let left = ms; left > 0; left -= 1_000) {
      clock.advance(Math.min(left, 1_000));
      // What follows a call, perhaps the next call, begins within a turn of the event loop.
      await until('calls ended', () => nextTurn().then(() => callsInFlight === 0));
    }
  };
  return { sink, clock, now, advance, logged, lines };
}

/** A logger and the lines that it wrote, parsed. */
export function testLog() {
  const logged: TestSink['logged'] = [];
  return { log: createLogger({ service: 'test', write: (line) => logged.push(JSON.parse(line)) }), logged };
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Credentials that the AWS SDK finds; undone by disposal. */
export function testCredentials(): Disposable {
  const before = { ...process.env };
  process.env['AWS_ACCESS_KEY_ID'] = 'AKIAIOSFODNN7EXAMPLE';
  process.env['AWS_SECRET_ACCESS_KEY'] = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
  process.env['AWS_SESSION_TOKEN'] = 'IQoJb3JpZ2luX2VjEXAMPLETOKEN';
  return {
    [Symbol.dispose]: () => {
      process.env = before;
    },
  };
}

/** Moves time until `look` says so. */
export async function advanceUntil({ advance }: TestSink, look: () => boolean): Promise<void> {
  for (let seconds = 0; !look(); seconds++) {
    if (seconds > 600) throw new Error('Ten minutes passed in vain.');
    await advance(1_000);
  }
}

export const utilization = (value: number): Metric => ({
  name: 'Utilization',
  unit: 'None',
  values: [value],
  drivesScaling: true,
});

export function report(atMs: number, metrics: readonly Metric[], rest: Partial<MetricReport> = {}): MetricReport {
  return { atMs, dimensions: { AutoScalingGroupName: 'dev-workers-chat' }, metrics, ...rest };
}
