import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { emptyMemory } from '../../runtime/log-monitor/log-window.ts';
import type { MonitorState } from '../../runtime/log-monitor/monitor-state.ts';
import { unknownPlace } from '../../runtime/log-monitor/sources/counter-deltas.ts';
import { readState, StateFile } from '../../runtime/log-monitor/state-file.ts';
import { nothingLearned } from '../../runtime/log-monitor/utilization.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const logFile = '/var/log/engine.log';
const slotBytes = 256 * 1024;
let folder: Awaited<ReturnType<typeof temporaryDirectory>>;
let path: string;

beforeEach(async () => {
  folder = await temporaryDirectory();
  path = join(folder.path, 'state');
});
afterEach(async () => {
  await folder[Symbol.asyncDispose]();
});

const stateWith = (sequence: number, change: Partial<MonitorState> = {}): MonitorState => ({
  version: 2,
  logFile,
  sequence,
  windowEndedMs: 1_000 * sequence,
  position: { inode: '7', offset: 100 * sequence, fingerprint: 'YQ==' },
  memory: emptyMemory,
  place: unknownPlace,
  learned: nothingLearned,
  pending: null,
  ...change,
});

async function saveAll(...states: MonitorState[]): Promise<void> {
  const { file } = await StateFile.open(path, logFile);
  for (const state of states) await file.save(state, { durable: true });
  await file.close();
}

test('what was saved last is read', async () => {
  expect(await readState(path, logFile)).toBeUndefined();
  await saveAll(stateWith(1), stateWith(2), stateWith(3));
  expect(await readState(path, logFile)).toEqual(stateWith(3));
  await saveAll(stateWith(4));
  expect(await readState(path, logFile)).toEqual(stateWith(4));
});

test('a full state goes through unchanged', async () => {
  const full = stateWith(9, {
    memory: {
      ...emptyMemory,
      groups: {
        DP0: { reporter: 'TP0', reporterSpokeMs: 5, lastPrefillMs: null, lastDecodeMs: 4, wasEmptySinceDecode: true },
      },
      engine: {
        state: 'starting',
        printsArguments: true,
        launchedMs: 5,
        phases: { TP0: { 'load-weight': { beganMs: 1, endedMs: null, seconds: 2.5 } } },
        maxRunningRequests: { DP: 64 },
      },
      load: { runningRequests: 1, queuedRequests: 2, kvCacheUsage: 0.5, atMs: 3 },
    },
    place: {
      totals: {
        counters: { decodeTokens: 5 },
        histograms: { endToEndLatency: { bounds: [1], counts: [2, 3], sum: 4.5 } },
      },
      countedElsewhere: ['generationTokens'],
    },
    learned: { runningRequests: 20, kvCacheUsage: 0.5 },
  });
  await saveAll(full);
  expect(await readState(path, logFile)).toEqual(full);
});

test('the file is for its owner alone', async () => {
  await saveAll(stateWith(1));
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test('its size and its space never change, so that a full disk does not matter to it', async () => {
  await saveAll(stateWith(1));
  const { size, blocks } = await stat(path);
  for (let i = 2; i < 10; i++) await saveAll(stateWith(i, { logFile: logFile }));
  expect(await stat(path)).toMatchObject({ size, blocks });
  expect(size).toBe(2 * slotBytes);
  expect(blocks * 512).toBeGreaterThanOrEqual(size);
});

describe('after a crash', () => {
  test.each([0, 20, 60, 100, 400])('in the middle of a save, at byte %i, the state before it holds', async (at) => {
    await saveAll(stateWith(1), stateWith(2), stateWith(3));
    const bytes = await readFile(path);
    const newest = bytes.indexOf(' state 3 ') - 'sglang-fleet log-monitor'.length;
    // As much of the next save as fits before the crash, over what was there.
    bytes.fill('x', newest + at, newest + at + 40);
    await writeFile(path, bytes);
    expect(await readState(path, logFile)).toEqual(stateWith(2));
  });

  test('in the middle of making the file, the next start makes it', async () => {
    await writeFile(`${path}.tmp`, 'half of');
    await saveAll(stateWith(1));
    expect(await readState(path, logFile)).toEqual(stateWith(1));
  });
});

test('a state of another log is not used, and then replaced', async () => {
  await saveAll(stateWith(5, { logFile: '/other.log' }));
  expect(await readState(path, logFile)).toBeUndefined();
  await saveAll(stateWith(1));
  expect(await readState(path, logFile)).toEqual(stateWith(1));
});

test('what the first version of this program saved is taken over', async () => {
  const position = { inode: '7', offset: 100, fingerprint: 'YQ==' };
  const carry = {
    DP: { reporter: '', reporterSpokeMs: 1, lastPrefillMs: 1, lastDecodeMs: null, wasEmptySinceDecode: true },
  };
  await writeFile(path, `${JSON.stringify({ version: 1, logFile, sequence: 12, position, carry })}\n`);
  expect(await readState(path, logFile)).toMatchObject({ sequence: 12, position, memory: { groups: carry } });
  await saveAll(stateWith(13));
  expect(await readState(path, logFile)).toEqual(stateWith(13));
});

test.each(['', '{}', 'not ours', '{"version":3}'])('%j is refused', async (text) => {
  await writeFile(path, text);
  await expect(StateFile.open(path, logFile)).rejects.toThrow(`${path} is not a state file`);
});

test('a state too large for its slot is refused, and the last one holds', async () => {
  await saveAll(stateWith(1));
  await expect(saveAll(stateWith(2, { logFile: 'x'.repeat(slotBytes) }))).rejects.toThrow('exceeds');
  expect(await readState(path, logFile)).toEqual(stateWith(1));
});

test('a file that could not be made is tried again at the next save', async () => {
  const later = join(folder.path, 'later', 'state');
  const { file } = await StateFile.open(later, logFile);
  await expect(file.save(stateWith(1), { durable: true })).rejects.toThrow('ENOENT');
  await mkdir(join(folder.path, 'later'));
  await file.save(stateWith(2), { durable: true });
  await file.close();
  expect(await readState(later, logFile)).toEqual(stateWith(2));
});
