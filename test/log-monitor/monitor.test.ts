import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Monitor } from '../../runtime/log-monitor/monitor.ts';
import type { PublishedWindow } from '../../runtime/log-monitor/publisher.ts';
import { createLogger } from '../../runtime/shared/log.ts';

let folder: string;
let logFile: string;
let stateFile: string;
let nowMs: number;
let published: PublishedWindow[];
let warnings: string[];
let isDead = false;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fleet-monitor-'));
  logFile = join(folder, 'engine.log');
  stateFile = join(folder, 'state.json');
  nowMs = Date.UTC(2026, 10, 22);
  published = [];
  warnings = [];
});

afterEach(() => rm(folder, { recursive: true }));

/** A monitor that dies gets no window out any more; it only lets go of the log. */
async function kill(monitor: Monitor): Promise<void> {
  isDead = true;
  await expect(monitor.close()).rejects.toThrow('dead');
  isDead = false;
}

function openMonitor(options: { stateFile?: string; publish?: (window: PublishedWindow) => Promise<void> } = {}) {
  const publish = async (window: PublishedWindow) => {
    if (isDead) throw new Error('dead');
    published.push(window);
  };
  return Monitor.open({
    logFile,
    stateFile: options.stateFile ?? stateFile,
    from: 'start',
    intervalMs: 10_000,
    publisher: { publish: options.publish ?? publish },
    log: createLogger({ service: 'test', level: 'warn', write: (line) => warnings.push(line) }),
    now: () => nowMs,
  });
}

async function readAll(monitor: Monitor): Promise<void> {
  while (!(await monitor.step()));
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
    { sequence: 1, from: '2026-11-22T00:00:00.000Z', to: '2026-11-22T00:00:10.000Z', prefillTokens: 100 },
  ]);
  await monitor.close();
});

test('closing publishes what is left, also lines that were not read yet', async () => {
  const monitor = await openMonitor();
  await writeFile(logFile, prefill(1));
  await readAll(monitor);
  await appendFile(logFile, prefill(2));
  await monitor.close();
  expect(published).toMatchObject([{ sequence: 1, prefillTokens: 3 }]);
});

test('a monitor that is killed loses nothing and repeats only what it had not published', async () => {
  const killed = await openMonitor();
  await writeFile(logFile, prefill(1));
  await readAll(killed);
  nowMs += 10_000;
  await readAll(killed);
  await appendFile(logFile, prefill(2));
  await readAll(killed);
  await kill(killed);
  const next = await openMonitor();
  await appendFile(logFile, prefill(4));
  await next.close();
  expect(published).toMatchObject([
    { sequence: 1, prefillTokens: 1 },
    { sequence: 2, prefillTokens: 6 },
  ]);
});

test('a monitor killed between publishing and saving publishes the window again under its number', async () => {
  const killed = await openMonitor({
    publish: async (window) => {
      published.push(window);
      throw new Error('killed here');
    },
  });
  await writeFile(logFile, prefill(1));
  await readAll(killed);
  nowMs += 10_000;
  await expect(killed.close()).rejects.toThrow('killed here');
  const next = await openMonitor();
  await appendFile(logFile, prefill(2));
  await next.close();
  expect(published).toMatchObject([
    { sequence: 1, prefillTokens: 1 },
    { sequence: 1, prefillTokens: 3 },
  ]);
});

test('a state that cannot be saved costs a warning, not the metrics', async () => {
  const monitor = await openMonitor({ stateFile: join(folder, 'missing', 'state.json') });
  await writeFile(logFile, prefill(1));
  await monitor.close();
  expect(published).toHaveLength(1);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain('state not saved');
});

test('a state file of something else is refused', async () => {
  await writeFile(stateFile, '{"version": 1, "theme": "dark"}');
  await expect(openMonitor()).rejects.toThrow('not a state file of the log monitor');
  expect(await readFile(stateFile, 'utf8')).toContain('dark');
});

test('a state of another log is not used', async () => {
  await writeFile(logFile, prefill(1));
  await (await openMonitor()).close();
  logFile = join(folder, 'other.log');
  await writeFile(logFile, prefill(2));
  await (await openMonitor()).close();
  expect(published).toMatchObject([{ prefillTokens: 1 }, { prefillTokens: 2 }]);
});
