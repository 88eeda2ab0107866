import { appendFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { RunLog } from '../../runtime/runner/engine/run-log.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

async function logFile(text: string) {
  const folder = await temporaryDirectory();
  const file = path.join(folder.path, 'engine.log');
  writeFileSync(file, text);
  return { file, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

test('earlier launches are no part of it, nor is a line before it is complete', async () => {
  await using log = await logFile('an earlier launch\nCUDA out of memory\n');
  using run = new RunLog(log.file);
  expect(run.readNewLines()).toEqual([]);
  appendFileSync(log.file, 'one\ntwo\nthr');
  expect(run.readNewLines()).toEqual(['one', 'two']);
  appendFileSync(log.file, 'ee\n');
  expect(run.readNewLines()).toEqual(['three']);
  appendFileSync(log.file, 'last words');
  expect(run.readLastLines(1_000)).toEqual(['one', 'two', 'three', 'last words']);
});

test('a character that arrives in two pieces is one character', async () => {
  await using log = await logFile('');
  using run = new RunLog(log.file);
  const bytes = Buffer.from('17%|█▋\n');
  appendFileSync(log.file, bytes.subarray(0, 5));
  expect(run.readNewLines()).toEqual([]);
  appendFileSync(log.file, bytes.subarray(5));
  expect(run.readNewLines()).toEqual(['17%|█▋']);
});

test('a progress bar that rewrites its line counts as progress, and its line stays bounded', async () => {
  await using log = await logFile('');
  using run = new RunLog(log.file);
  const before = run.size;
  appendFileSync(log.file, `${' 40% Completed | 2/5 [00:02<00:03]\r'.repeat(10_000)}`);
  expect(run.size).toBeGreaterThan(before);
  while (run.readNewLines().length > 0);
  appendFileSync(log.file, 'end\n');
  const lines: string[] = [];
  while (lines.length === 0) lines.push(...run.readNewLines());
  expect(lines[0]!.endsWith('end')).toBe(true);
  expect(lines[0]!.length).toBeLessThan(400_000);
});

test('a rotation by renaming loses nothing, one that truncates begins again', async () => {
  await using log = await logFile('');
  using run = new RunLog(log.file);
  appendFileSync(log.file, 'one\n');
  renameSync(log.file, `${log.file}.1`);
  writeFileSync(log.file, 'of nobody\n');
  appendFileSync(`${log.file}.1`, 'two\n');
  expect(run.readNewLines()).toEqual(['one', 'two']);
  truncateSync(`${log.file}.1`);
  appendFileSync(`${log.file}.1`, 'new\n');
  expect(run.readNewLines()).toEqual(['new']);
  expect(run.readLastLines(1_000)).toEqual(['new', '']);
});

test('of a long log only the last lines are looked at, and a cut one is left out', async () => {
  await using log = await logFile('');
  using run = new RunLog(log.file);
  appendFileSync(log.file, Array.from({ length: 100 }, (_, index) => `line ${index}\n`).join(''));
  expect(run.readLastLines(20)).toEqual(['line 98', 'line 99', '']);
});
