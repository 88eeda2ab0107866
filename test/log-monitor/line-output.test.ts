import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from '@jest/globals';
import { LineOutput } from '../../runtime/log-monitor/line-output.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

test('lines go to the file in order, each with its line feed', async () => {
  await using folder = await temporaryDirectory();
  const path = join(folder.path, 'out');
  const file = await open(path, 'w');
  const output = new LineOutput(file.fd);
  await output.write('one');
  await output.write('zwei ä');
  await file.close();
  expect(await readFile(path, 'utf8')).toBe('one\nzwei ä\n');
});

test('what an earlier process was killed inside of stays a line of its own', async () => {
  await using folder = await temporaryDirectory();
  const path = join(folder.path, 'out');
  await writeFile(path, 'whole\n{"half');
  const file = await open(path, 'a');
  await new LineOutput(file.fd).write('next');
  await new LineOutput(file.fd).write('last');
  await file.close();
  expect(await readFile(path, 'utf8')).toBe('whole\n{"half\nnext\nlast\n');
});

test('a full disk is an error, and not the end of the output', async () => {
  const full = await open('/dev/full', 'w');
  const output = new LineOutput(full.fd);
  await expect(output.write('lost')).rejects.toMatchObject({ code: 'ENOSPC' });
  await expect(output.write('lost')).rejects.toMatchObject({ code: 'ENOSPC' });
  await full.close();
});

/** A program whose files may not grow beyond 1 KiB, as on a full disk; it raises the limit once it has met it. */
const limited = `
import { openSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { LineOutput } from '${join(import.meta.dirname, '../../runtime/log-monitor/line-output.ts')}';
process.on('SIGXFSZ', () => {});
const limit = (bytes) => execFileSync('prlimit', ['--pid', String(process.pid), '--fsize=' + bytes + ':unlimited']);
limit(1024);
const output = new LineOutput(openSync(process.argv[1], 'a'));
const lines = Array.from({ length: 30 }, (_, i) => JSON.stringify({ line: i, text: 'x'.repeat(100) }));
for (const line of lines) {
  for (let isWritten = false; !isWritten; ) {
    try {
      await output.write(line);
      isWritten = true;
    } catch (error) {
      console.log(error.code);
      limit('unlimited');
    }
  }
}
`;

test('regression: a disk that fills up inside a line costs that line nothing but a broken first try', async () => {
  await using folder = await temporaryDirectory();
  const path = join(folder.path, 'out');
  const child = spawn(process.execPath, ['--input-type=module', '-e', limited, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  const [codes] = await Promise.all([text(child.stdout!), once(child, 'close')]);
  expect(codes.trim()).toBe('EFBIG');
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
  const whole = lines.flatMap((line) => {
    try {
      return [JSON.parse(line).line as number];
    } catch {
      return [];
    }
  });
  expect(whole).toEqual(Array.from({ length: 30 }, (_, i) => i));
  expect(lines).toHaveLength(31);
});
