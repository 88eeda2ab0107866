import { appendFile, copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Monitor, type MonitorOptions } from '../../runtime/log-monitor/monitor.ts';
import type { PublishedWindow } from '../../runtime/log-monitor/published-window.ts';
import { createLogger } from '../../runtime/shared/log.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

let folder: Awaited<ReturnType<typeof temporaryDirectory>>;
let logFile: string;
let stateFile: string;
let nowMs: number;
let published: PublishedWindow[];
let warnings: string[];
const open: Monitor[] = [];

beforeEach(async () => {
  folder = await temporaryDirectory();
  logFile = join(folder.path, 'engine.log');
  stateFile = join(folder.path, 'state');
  nowMs = Date.UTC(2026, 10, 22);
  published = [];
  warnings = [];
});

afterEach(async () => {
  for (const monitor of open.splice(0)) await monitor.close().catch(() => undefined);
  await folder[Symbol.asyncDispose]();
});

async function openMonitor(change: Partial<MonitorOptions> = {}): Promise<Monitor> {
  const publisher = { publish: async (window: PublishedWindow) => void published.push(window), close: async () => {} };
  const monitor = await Monitor.open({
    logFile,
    stateFile,
    from: 'start',
    intervalMs: 10_000,
    publisher,
    log: createLogger({ service: 'test', level: 'warn', write: (line) => warnings.push(line) }),
    now: () => nowMs,
    ...change,
  });
  open.push(monitor);
  return monitor;
}

async function readAll(monitor: Monitor): Promise<void> {
  while (!(await monitor.step()));
}

/** Leaves the disk as a killed process would, whatever the monitor does after. */
async function kill(monitor: Monitor): Promise<void> {
  const kept = join(folder.path, 'kept');
  await copyFile(stateFile, kept);
  const before = [...published];
  await monitor.close().catch(() => undefined);
  open.splice(open.indexOf(monitor), 1);
  published = before;
  await copyFile(kept, stateFile);
}

const prefill = (tokens: number) =>
  `[2026-11-22 00:00:01] Prefill batch, #new-seq: 1, #new-token: ${tokens}, #cached-token: 0\n`;

test('a window is published when its time is over, and names its span', async () => {
  const monitor = await openMonitor();
  await writeFile(logFile, prefill(100));
  await readAll(monitor);
  nowMs += 9_999;
  await readAll(monitor);
  expect(published).toEqual([]);
  nowMs += 1;
  await readAll(monitor);
  expect(published).toMatchObject([
    {
      sequence: 1,
      from: '2026-11-22T00:00:00.000Z',
      to: '2026-11-22T00:00:10.000Z',
      measurements: { prefillTokens: { values: [100], source: 'log' } },
    },
  ]);
});

test('closing publishes what is left, also lines that were not read yet', async () => {
  const monitor = await openMonitor();
  await writeFile(logFile, prefill(1));
  await readAll(monitor);
  await appendFile(logFile, prefill(2));
  await monitor.close();
  expect(published).toMatchObject([{ sequence: 1, prefillTokens: 3 }]);
});

test('a monitor that is killed loses nothing and repeats nothing', async () => {
  const killed = await openMonitor();
  await writeFile(logFile, prefill(1));
  await readAll(killed);
  nowMs += 10_000;
  await readAll(killed);
  await appendFile(logFile, prefill(2));
  await readAll(killed);
  await kill(killed);
  nowMs += 60_000;
  const next = await openMonitor();
  await appendFile(logFile, prefill(4));
  await next.close();
  expect(published).toMatchObject([
    { sequence: 1, prefillTokens: 1 },
    { sequence: 2, prefillTokens: 6, from: '2026-11-22T00:00:10.000Z', to: '2026-11-22T00:01:10.000Z' },
  ]);
});

test('a monitor killed between publishing and noting it publishes the very same window again', async () => {
  let hasPublished = false;
  const killed = await openMonitor({
    publisher: {
      publish: async (window) => {
        if (hasPublished) return;
        published.push(window);
        await copyFile(stateFile, join(folder.path, 'as-killed'));
        hasPublished = true;
      },
      close: async () => {},
    },
  });
  await writeFile(logFile, prefill(1));
  await readAll(killed);
  nowMs += 10_000;
  await readAll(killed);
  expect(hasPublished).toBe(true);
  await kill(killed);
  await copyFile(join(folder.path, 'as-killed'), stateFile);

  nowMs += 5_000;
  const next = await openMonitor();
  await appendFile(logFile, prefill(2));
  await next.close();
  expect(published[1]).toEqual(published[0]);
  expect(published.slice(1)).toMatchObject([
    { sequence: 1, prefillTokens: 1 },
    { sequence: 2, prefillTokens: 2 },
  ]);
});

test('a window that cannot be published waits, and what comes in the meantime is the next one', async () => {
  let isFull = true;
  const publish = async (window: PublishedWindow) => {
    if (isFull) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    published.push(window);
  };
  const monitor = await openMonitor({ publisher: { publish, close: async () => {} } });
  await writeFile(logFile, prefill(1));
  await readAll(monitor);
  for (const tokens of [2, 4]) {
    nowMs += 10_000;
    await readAll(monitor);
    await appendFile(logFile, prefill(tokens));
    await readAll(monitor);
  }
  expect(published).toEqual([]);
  expect(warnings.filter((line) => line.includes('not published'))).toHaveLength(2);
  isFull = false;
  nowMs += 10_000;
  await readAll(monitor);
  expect(published).toMatchObject([
    { sequence: 1, prefillTokens: 1 },
    { sequence: 2, prefillTokens: 6 },
  ]);
});

test('a state that cannot be saved costs a warning, not the metrics', async () => {
  const monitor = await openMonitor({ stateFile: join(folder.path, 'missing', 'state') });
  await writeFile(logFile, prefill(1));
  await monitor.close();
  expect(published).toHaveLength(1);
  expect(warnings[0]).toContain('state not saved');
});

test('a state file of something else is refused and left alone', async () => {
  await writeFile(stateFile, '{"version": 1, "theme": "dark"}');
  await expect(openMonitor()).rejects.toThrow('not a state file of the log monitor');
  expect(await readFile(stateFile, 'utf8')).toContain('dark');
});

test('a state of another log is not used', async () => {
  await writeFile(logFile, prefill(1));
  await (await openMonitor()).close();
  logFile = join(folder.path, 'other.log');
  await writeFile(logFile, prefill(2));
  await (await openMonitor()).close();
  expect(published).toMatchObject([{ prefillTokens: 1 }, { prefillTokens: 2 }]);
});

test('restarts and starts are told in the window in which the log shows them', async () => {
  const monitor = await openMonitor();
  const start = (minute: number) =>
    `[2026-11-22 00:0${minute}:00] server_args={'model_path': 'm'}\n` +
    `[2026-11-22 00:0${minute}:30] The server is fired up and ready to roll!\n`;
  await writeFile(logFile, start(1));
  await readAll(monitor);
  nowMs += 10_000;
  await readAll(monitor);
  await appendFile(logFile, start(5));
  await monitor.close();
  expect(published).toMatchObject([
    { engineRestarts: 0, startups: [{ total: 30 }], isInService: true, utilization: 0 },
    { engineRestarts: 1, startups: [{ total: 30 }] },
  ]);
});
