import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

const root = `${import.meta.dirname}/../..`;
const fixture = `${root}/test/fixtures/sglang-log-lines.txt`;

let folder: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fleet-monitor-'));
});

afterEach(async () => {
  for (const child of children.splice(0))
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  await rm(folder, { recursive: true });
});

function start(script: string, ...args: string[]): ChildProcess {
  const child = spawn(process.execPath, [join(root, script), ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  children.push(child);
  return child;
}

async function finish(child: ChildProcess): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const texts = { stdout: '', stderr: '' };
  child.stdout!.on('data', (chunk) => {
    texts.stdout += chunk;
  });
  child.stderr!.on('data', (chunk) => {
    texts.stderr += chunk;
  });
  const [status] = await once(child, 'close');
  return { status, ...texts };
}

/** The windows that a monitor prints, one at a time. */
function windowsOf(child: ChildProcess) {
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  return {
    /** Skips to the first window that satisfies `isWanted`; fails when the output ends before. */
    async next(isWanted: (window: PrintedWindow) => boolean): Promise<PrintedWindow> {
      for (;;) {
        const { value, done } = await lines.next();
        if (done) throw new Error('the monitor ended without the awaited window');
        const window = JSON.parse(value);
        if (isWanted(window)) return window;
      }
    },
    /** The windows that come until the output ends. */
    async rest(): Promise<PrintedWindow[]> {
      const windows: PrintedWindow[] = [];
      for (;;) {
        const { value, done } = await lines.next();
        if (done) return windows;
        windows.push(JSON.parse(value));
      }
    },
  };
}

interface PrintedWindow {
  readonly sequence: number;
  readonly lines: number;
  readonly prefillTokens: number;
}

const prefill = (tokens: number) =>
  `[2026-11-22 00:00:01] Prefill batch, #new-seq: 1, #new-token: ${tokens}, #cached-token: 0\n`;

describe('the monitor as a program', () => {
  test('prints windows of a growing log and ends cleanly on SIGTERM with a last one', async () => {
    const log = join(folder, 'engine.log');
    await writeFile(log, prefill(5));
    const child = start('runtime/log-monitor/main.ts', '--log-file', log, '--interval-seconds', '0.2');
    const windows = windowsOf(child);
    expect(await windows.next(({ lines }) => lines === 1)).toMatchObject({ prefillTokens: 5 });
    await appendFile(log, prefill(7));
    expect(await windows.next(({ lines }) => lines === 1)).toMatchObject({ prefillTokens: 7 });
    await appendFile(log, prefill(9));
    child.kill('SIGTERM');
    expect(await windows.next(({ lines }) => lines === 1)).toMatchObject({ prefillTokens: 9 });
    const [status] = child.exitCode === null ? await once(child, 'exit') : [child.exitCode];
    expect(status).toBe(0);
  });

  test('killed and started again, it counts every token exactly once', async () => {
    const log = join(folder, 'engine.log');
    const state = join(folder, 'state.json');
    const tokensBySequence = new Map<number, number>();
    let written = 0;
    for (let round = 0; round < 4; round++) {
      await appendFile(log, prefill(round + 1));
      written += round + 1;
      const args = ['--log-file', log, '--state-file', state, '--interval-seconds', '0.1'];
      const child = start('runtime/log-monitor/main.ts', ...args);
      const count = ({ sequence, prefillTokens }: PrintedWindow) => tokensBySequence.set(sequence, prefillTokens);
      const windows = windowsOf(child);
      await windows.next((window) => {
        count(window);
        return window.prefillTokens > 0;
      });
      child.kill('SIGKILL');
      // Until the signal arrives the monitor goes on: what it printed meanwhile is published as well.
      for (const window of await windows.rest()) count(window);
    }
    const child = start('runtime/log-monitor/main.ts', '--log-file', log, '--state-file', state);
    const done = finish(child);
    await once(child.stderr!, 'data');
    child.kill('SIGTERM');
    for (const line of (await done).stdout.trim().split('\n')) {
      const { sequence, prefillTokens } = JSON.parse(line);
      tokensBySequence.set(sequence, prefillTokens);
    }
    expect([...tokensBySequence.values()].reduce((sum, tokens) => sum + tokens, 0)).toBe(written);
  });

  test('without a log file it says what is missing', async () => {
    const { status, stderr } = await finish(start('runtime/cli/main.ts', 'monitor'));
    expect(stderr).toContain('--log-file');
    expect(status).toBe(1);
  });
});

describe('fleet logs parse', () => {
  test('prints the four documented keys of each batch line and nothing else', async () => {
    const { status, stdout } = await finish(start('runtime/cli/main.ts', 'logs', 'parse', fixture));
    const objects = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(status).toBe(0);
    expect(objects).toHaveLength(114);
    expect(new Set(objects.map((object) => Object.keys(object).join()))).toEqual(new Set(['kind,time,rank,fields']));
  });

  test('reads standard input, and with --all prints every kind', async () => {
    const child = start('runtime/cli/main.ts', 'logs', 'parse', '-', '--all');
    child.stdin!.end(
      'noise\n[2026-11-22 00:00:01] The server is fired up and ready to roll!\n[x] Decode batch [7], #token: 1',
    );
    const { stdout } = await finish(child);
    expect(stdout).toBe(
      '{"kind":"ready","time":"2026-11-22 00:00:01","rank":{},"mode":"serving"}\n' +
        '{"kind":"decode","time":null,"rank":{},"fields":{"#token":1},"iteration":7}\n',
    );
  });

  test('says which file it cannot read', async () => {
    const { status, stderr } = await finish(start('runtime/cli/main.ts', 'logs', 'parse', join(folder, 'none.log')));
    expect(stderr).toContain('none.log');
    expect(status).toBe(1);
  });
});
