import type { LogEvent } from '../../../runtime/log-monitor/log-event.ts';
import { parseLogLine } from '../../../runtime/log-monitor/parse-line.ts';
import { capturedLog } from './captures.ts';
import { replayScenarios } from './replay-scenarios.ts';
import { startCapturedEngine } from './start-captured-engine.ts';

/** The captured log up to the last capture, and the simulator's of the same requests. */
let captured: LogEvent[];
let simulated: LogEvent[];
/** What a real server logged from the signal on, and what the simulator did. */
let capturedDrain: LogEvent[];
let simulatedDrain: LogEvent[];

const parsed = (lines: readonly string[]) => lines.map(parseLogLine).filter((event) => event !== undefined);

beforeAll(async () => {
  const lines = capturedLog().split('\n');
  captured = parsed(lines.slice(0, lines.findLastIndex((line) => line.includes('GET /metrics')) + 1));
  capturedDrain = parsed(lines.slice(lines.findIndex((line) => line.includes('SIGTERM received.'))));
  const log: string[] = [];
  const { server, target } = await startCapturedEngine((line) => log.push(line));
  await replayScenarios(target);
  simulated = parsed(log);
  const drainFrom = log.length;
  await server.drain();
  simulatedDrain = parsed(log.slice(drainFrom));
}, 60_000);

/** Events without what is measured: kind and its variants. */
function kindOf(event: LogEvent): string {
  switch (event.kind) {
    case 'access':
      return `access ${event.method} ${event.path} ${event.status}`;
    case 'startup-phase':
      return `${event.kind} ${event.phase} ${event.state}`;
    case 'http-server':
    case 'drain':
      return `${event.kind} ${event.stage}`;
    default:
      return event.kind;
  }
}

const isBatch = ({ kind }: LogEvent) => kind === 'prefill' || kind === 'decode';
/** Several processes write the real log, so batch and access lines race: each kind is compared in its own order. */
const lifeOf = (events: readonly LogEvent[]) => events.filter((event) => !isBatch(event)).map(kindOf);
const batchesOf = (events: readonly LogEvent[]) => events.filter(isBatch);
const newSequences = (event: LogEvent) => ('fields' in event ? Number(event.fields['#new-seq']) : 0);

test('start-up, requests and their answers come in the same order', () => {
  expect(lifeOf(captured).length).toBeGreaterThan(120);
  expect(lifeOf(simulated)).toEqual(lifeOf(captured));
});

test('the same prefill passes are logged, with as many new sequences each', () => {
  const prefills = (events: readonly LogEvent[]) => events.filter(({ kind }) => kind === 'prefill').map(newSequences);
  // The last passes take six requests that arrive side by side: how they share out is chance.
  const beforeBusy = (counts: readonly number[]) => {
    const busyAt = counts.findLastIndex((_, i) => counts.slice(i).reduce((sum, count) => sum + count, 0) === 6);
    return counts.slice(0, busyAt);
  };
  expect(beforeBusy(prefills(captured)).length).toBeGreaterThan(40);
  expect(beforeBusy(prefills(simulated))).toEqual(beforeBusy(prefills(captured)));
});

test('batch lines have the same fields in the same order', () => {
  for (const kind of ['prefill', 'decode'] as const) {
    const fields = (events: readonly LogEvent[]) => {
      const first = events.find((event) => event.kind === kind);
      return first && 'fields' in first ? Object.keys(first.fields) : undefined;
    };
    // The captured server ran on a CPU and calls its graph so.
    expect(fields(simulated)?.map((name) => name.replace('cuda', 'cpu'))).toEqual(fields(captured));
  }
});

test('an answer of 600 tokens is reported every 40 steps', () => {
  const longestRun = (events: readonly LogEvent[]) => {
    const runs = batchesOf(events)
      .map(({ kind }) => (kind === 'decode' ? 'd' : ' '))
      .join('');
    return Math.max(...runs.split(' ').map((run) => run.length));
  };
  // Aborted requests run for as long as the client lets them; they are shorter here and there.
  expect(longestRun(captured)).toBe(15);
  expect(
    longestRun(
      simulated.slice(
        0,
        simulated.findIndex((event) => kindOf(event).includes('/abort_request')),
      ),
    ),
  ).toBe(15);
});

test('a drain is logged in the same stages', () => {
  const stages = (events: readonly LogEvent[]) =>
    events
      .filter(({ kind }) => kind === 'drain' || kind === 'http-server')
      .map(kindOf)
      .filter((kind, i, kinds) => kind !== kinds[i - 1]);
  expect(stages(capturedDrain)).toEqual([
    'drain started',
    'drain waiting',
    'http-server stopping',
    'http-server stopped',
  ]);
  expect(stages(simulatedDrain)).toEqual(stages(capturedDrain));
});
