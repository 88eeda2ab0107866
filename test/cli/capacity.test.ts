import { readFileSync } from 'node:fs';
import type { CapacityReport } from '../../runtime/cli/capacity/report.ts';
import {
  type CapacityLimits,
  type LevelSample,
  nextLevel,
  sessionsThatMemoryHolds,
  whatGaveWay,
} from '../../runtime/cli/capacity/verdict.ts';
import { readProcessTable } from '../../runtime/shared/process/process-table.ts';
import { until } from '../support/poll.ts';
import { startFleetCommand } from '../support/process.ts';
import { runFleet } from '../support/run-fleet.ts';
import { startScriptedServer } from '../support/scripted-openai-server.ts';
import { StartedRunner } from '../support/started-runner.ts';

const gibibyte = 1024 ** 3;
const limits: CapacityLimits = {
  memoryMb: 256,
  availableBytesBefore: 10 * gibibyte,
  reservedBytes: 2 * gibibyte,
  maxFirstEventMs: 500,
  maxCpuShare: 0.9,
};
const fine: LevelSample = {
  sessions: 10,
  failures: 0,
  firstEventP95Ms: 20,
  cpuShare: 0.5,
  availableBytes: 5 * gibibyte,
};

describe('what gave way', () => {
  test.each<[Partial<LevelSample>, string | undefined]>([
    [{}, undefined],
    [{ availableBytes: gibibyte }, 'memory'],
    [{ cpuShare: 0.95 }, 'CPU'],
    [{ firstEventP95Ms: 501 }, 'latency'],
    [{ firstEventP95Ms: null }, 'latency'],
    [{ failures: 1 }, 'failures'],
    // A machine without memory is slow as well: the cause is named.
    [{ availableBytes: 0, cpuShare: 1, firstEventP95Ms: 9_999, failures: 3 }, 'memory'],
    [{ cpuShare: 1, firstEventP95Ms: 9_999 }, 'CPU'],
  ])('%j: %s', (change, bottleneck) => {
    expect(whatGaveWay({ ...fine, ...change }, limits)).toBe(bottleneck);
  });
});

test('with a limit no more sessions fit than may all use it at once', () => {
  expect(sessionsThatMemoryHolds(limits)).toBe(32);
  expect(sessionsThatMemoryHolds({ ...limits, memoryMb: null })).toBe(Number.POSITIVE_INFINITY);
  expect(sessionsThatMemoryHolds({ ...limits, reservedBytes: 11 * gibibyte })).toBe(0);
});

test('the ramp grows by two fifths and ends at its bound', () => {
  const levels: number[] = [];
  for (let level = nextLevel(0, 20); level !== undefined; level = nextLevel(level, 20)) levels.push(level);
  expect(levels).toEqual([4, 6, 9, 13, 19, 20]);
});

test('a measurement stops at its bounds, prints a row per limit and leaves nothing running', async () => {
  const args = ['--max-sessions', '4', '--turn-seconds', '0.2', '--memory', '128,none', '--cpu-percent', '100'];
  const own = () => readProcessTable().flatMap(({ pid, parentPid }) => (parentPid === process.pid ? pid : []));
  const before = own();
  const run = await runFleet(['capacity', ...args, '--latency-ms', '20000', '--json'], { deadlineMs: 50_000 });
  expect(run.code).toBe(0);
  const report = JSON.parse(run.stdout) as CapacityReport;
  expect(report).toMatchObject({ node: process.versions.node, machine: expect.stringContaining('cores') });
  expect(report.rows).toMatchObject([
    { memoryMb: 128, sessions: 4, bottleneck: null, bound: 'sessions' },
    { memoryMb: null, sessions: 4, bottleneck: null, bound: 'sessions' },
  ]);
  expect(own().filter((pid) => !before.includes(pid))).toEqual([]);
  // Its runner and sandboxes would now be nobody's children.
  const programs = readProcessTable().map(({ pid }) => commandOf(pid));
  expect(programs.filter((command) => command.includes('fleet-capacity-'))).toEqual([]);
}, 60_000);

test('a runner that already runs is measured as it is, and keeps none of the sessions', async () => {
  await using engine = await startScriptedServer();
  await using runner = await StartedRunner.start({ args: ['--engine-url', engine.url, '--max-sandboxes', '3'] });
  const args = ['--runner-url', await runner.url(), '--memory', '256', '--turn-seconds', '0.1', '--cpu-percent', '100'];
  const run = await runFleet(['capacity', ...args, '--latency-ms', '20000']);
  expect(run.stdout).toMatch(/^256 MB +>= 3 +- +all places of the runner/m);
  expect((await runner.health()).pool.activeCount).toBe(0);
});

test('Ctrl-C ends a measurement and what it started', async () => {
  await using run = startFleetCommand([
    'capacity',
    '--turn-seconds',
    '0.5',
    '--cpu-percent',
    '100',
    '--latency-ms',
    '20000',
  ]);
  await run.waitForLine(/ 4 sessions/);
  const started = readProcessTable().filter(({ parentPid }) => parentPid === run.pid);
  expect(started.length).toBeGreaterThan(0);
  run.signal('SIGINT');
  expect(await run.waitForExit()).toMatchObject({ code: 130 });
  await until(
    'the runner is gone',
    () => !readProcessTable().some(({ pid }) => started.some((row) => row.pid === pid)),
  );
});

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
