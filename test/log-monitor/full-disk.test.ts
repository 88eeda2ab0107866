import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { readState } from '../../runtime/log-monitor/state-file.ts';
import { EngineLogWriter, tokensIn } from '../support/engine-log-writer.ts';
import { distinctWindows, MonitorProcess, windowsIn } from '../support/monitor-process.ts';
import { until } from '../support/poll.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { mountSmallDisk } from '../support/small-disk.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const text = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8') : '');
const timesIn = (path: string, msg: string) => text(path).split(`"msg":"${msg}`).length - 1;

/** Where a monitor's files are, and how to watch it. */
function placesIn(disk: string, elsewhere: string) {
  const places = {
    logFile: join(disk, 'engine.log'),
    stateFile: join(disk, 'state'),
    outFile: join(disk, 'out.jsonl'),
    monitorLog: join(elsewhere, 'monitor.log'),
  };
  const args = ['--log-file', places.logFile, '--state-file', places.stateFile, '--interval-seconds', '0.1'];
  const start = (wrapper?: readonly string[]) =>
    new MonitorProcess({ args, outFile: places.outFile, logFile: places.monitorLog, ...(wrapper && { wrapper }) });
  const writer = new EngineLogWriter(places.logFile, seededRandom(5));
  const allRead = () =>
    until('all of the log is read and published', async () => {
      const state = await readState(places.stateFile, places.logFile);
      return state?.position?.offset === writer.size && state.pending === null;
    });
  const unpublished = () => timesIn(places.monitorLog, 'window not published');
  const nextUnpublished = () => {
    const before = unpublished();
    return until('one more window could not be published', () => unpublished() > before);
  };
  const expectExactOutput = () => {
    const distinct = distinctWindows(windowsIn(text(places.outFile)));
    expect(tokensIn(distinct)).toEqual(writer.tokens);
    expect(distinct.map(({ sequence }) => sequence)).toEqual(distinct.map((_, i) => i + 1));
    expect(timesIn(places.monitorLog, 'state not saved')).toBe(0);
  };
  return { ...places, start, writer, allRead, nextUnpublished, expectExactOutput };
}

test('output that can grow no more, with a limit on the size of its files: nothing is lost, killed or not', async () => {
  await using folder = await temporaryDirectory();
  const { outFile, start, writer, allRead, nextUnpublished, expectExactOutput } = placesIn(folder.path, folder.path);
  // The state takes 512 KiB when it is made. What was written before leaves room for a few windows.
  writeFileSync(outFile, `${'an older line\n'.repeat(41_000)}`);
  const limit = readFileSync(outFile).length + 5_000;
  writer.writeLines(50);
  const limited = ['prlimit', `--fsize=${limit}:unlimited`, '--'];

  await using first = start(limited);
  await nextUnpublished();
  writer.writeLines(50);
  execFileSync('prlimit', ['--pid', String(first.pid), '--fsize=unlimited']);
  await allRead();
  execFileSync('prlimit', ['--pid', String(first.pid), `--fsize=${limit}:unlimited`]);
  writer.writeLines(50);
  await nextUnpublished();
  await first.end('SIGKILL');

  await using second = start(limited);
  writer.writeLines(50);
  await nextUnpublished();
  await second.end('SIGKILL');

  await using last = start();
  writer.writeLines(50);
  await allRead();
  expect(await last.end('SIGTERM')).toEqual({ code: 0, signal: null });
  expectExactOutput();
});

/** Not everybody may mount; the limit above keeps the same promises everywhere. */
const disk = await mountSmallDisk(2 * 1_024 * 1_024);

test(`a full disk${disk ? '' : ' (which this user may not mount)'}: nothing that was written is lost, killed or not`, async () => {
  await using small = disk;
  if (small === undefined) return;
  await using elsewhere = await temporaryDirectory();
  const { start, writer, allRead, nextUnpublished, expectExactOutput } = placesIn(small.path, elsewhere.path);
  writer.writeLines(50);
  await using first = start();
  await allRead();

  small.fill();
  const wholeLines = writer.writeUntilFull();
  await nextUnpublished();
  await first.end('SIGKILL');
  await using second = start();
  await nextUnpublished();

  small.free();
  writer.writeLines(50);
  await allRead();
  small.fill();
  await nextUnpublished();
  small.free();
  await allRead();
  expect(await second.end('SIGTERM')).toEqual({ code: 0, signal: null });
  expect(wholeLines).toBeGreaterThan(0);
  expectExactOutput();
});
