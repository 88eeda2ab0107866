import { appendFile, copyFile, mkdtemp, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { LogTail, type TailOptions } from '../../runtime/log-monitor/tail.ts';

let folder: string;
let log: string;
const open: LogTail[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fleet-tail-'));
  log = join(folder, 'engine.log');
});

afterEach(async () => {
  for (const tail of open.splice(0)) await tail.close();
  await rm(folder, { recursive: true });
});

async function openTail(options: Partial<TailOptions> = {}): Promise<LogTail> {
  const tail = await LogTail.open({ path: log, ...options });
  open.push(tail);
  return tail;
}

/** Everything there is to read now. */
async function readAll(tail: LogTail): Promise<string[]> {
  const lines: string[] = [];
  for (;;) {
    const read = await tail.read();
    lines.push(...read.lines);
    if (read.atEnd) return lines;
  }
}

describe('a growing file', () => {
  test('gives each line once, and a partial line when it is complete', async () => {
    const tail = await openTail();
    expect(await readAll(tail)).toEqual([]);
    await writeFile(log, 'one\ntw');
    expect(await readAll(tail)).toEqual(['one']);
    await appendFile(log, 'o\nthree\n');
    expect(await readAll(tail)).toEqual(['two', 'three']);
    expect(await readAll(tail)).toEqual([]);
  });

  test('is cut at LF only: a progress bar stays one line', async () => {
    await writeFile(log, ' 10%\r 20%\r 30%\nnext\r\n');
    expect(await readAll(await openTail())).toEqual([' 10%\r 20%\r 30%', 'next\r']);
  });

  test('is cut by bytes, not by reads: a character may span two', async () => {
    await writeFile(log, 'Lade Gewichte █ ä\nEnde\n');
    expect(await readAll(await openTail({ chunkBytes: 1 }))).toEqual(['Lade Gewichte █ ä', 'Ende']);
  });

  test('can be followed from its end', async () => {
    await writeFile(log, 'old\n');
    const tail = await openTail({ from: 'end' });
    await appendFile(log, 'new\n');
    expect(await readAll(tail)).toEqual(['new']);
  });
});

describe('rotation by rename', () => {
  test('finishes the old file, also what is written to it late, then takes the new one', async () => {
    const tail = await openTail();
    await writeFile(log, 'a\n');
    expect(await readAll(tail)).toEqual(['a']);
    await rename(log, `${log}.1`);
    await appendFile(`${log}.1`, 'b\n');
    await writeFile(log, '');
    expect(await readAll(tail)).toEqual(['b']);
    await appendFile(`${log}.1`, 'c\n');
    await appendFile(log, 'd\n');
    expect(await readAll(tail)).toEqual(['c', 'd']);
  });

  test('twice between two reads loses nothing', async () => {
    const tail = await openTail();
    await writeFile(log, 'a\n');
    await readAll(tail);
    await appendFile(log, 'b\n');
    await rename(log, `${log}.1`);
    await writeFile(log, 'c\n');
    await rename(`${log}.1`, `${log}.2`);
    await rename(log, `${log}.1`);
    await writeFile(log, 'd\n');
    expect(await readAll(tail)).toEqual(['b', 'c', 'd']);
  });

  test('ends an unfinished line with its file', async () => {
    const tail = await openTail();
    await writeFile(log, 'a\nunfinished');
    await readAll(tail);
    await rename(log, `${log}-20261122`);
    await writeFile(log, 'b\n');
    expect(await readAll(tail)).toEqual(['unfinished', 'b']);
  });
});

describe('truncation', () => {
  test('starts over in the emptied file', async () => {
    const tail = await openTail();
    await writeFile(log, 'first\nsecond\n');
    await readAll(tail);
    await truncate(log);
    await appendFile(log, 'third\n');
    expect(await readAll(tail)).toEqual(['third']);
  });

  test('is noticed although the file has outgrown its old length', async () => {
    const tail = await openTail();
    await writeFile(log, 'first\n');
    await readAll(tail);
    await writeFile(log, 'other\nlines\nthat are longer\n');
    expect(await readAll(tail)).toEqual(['other', 'lines', 'that are longer']);
  });

  test('with a copy: what was not read yet comes from the copy', async () => {
    const tail = await openTail();
    await writeFile(log, 'a\nb');
    expect(await readAll(tail)).toEqual(['a']);
    await appendFile(log, 'b\nc\nd');
    await copyFile(log, `${log}.1`);
    await truncate(log);
    await appendFile(log, 'd\ne\n');
    expect(await readAll(tail)).toEqual(['bb', 'c', 'dd', 'e']);
  });

  test('with a copy that was read already counts nothing twice', async () => {
    const tail = await openTail();
    await writeFile(log, 'a\nb\n');
    await readAll(tail);
    await copyFile(log, `${log}.1`);
    await truncate(log);
    await appendFile(log, 'c\n');
    expect(await readAll(tail)).toEqual(['c']);
  });

  test('under a writer that does not append: the hole of zeros hides no line', async () => {
    const tail = await openTail();
    await writeFile(log, 'a\nb\n');
    await readAll(tail);
    const hole = 700_000;
    await writeFile(log, Buffer.concat([Buffer.alloc(hole), Buffer.from('c\nd\n')]));
    const lines = await readAll(tail);
    expect(lines.map((line) => line.replaceAll('\0', ''))).toEqual(['c', 'd']);
    expect(lines[0]!.length).toBeLessThan(hole);
  });
});

describe('a restart with the saved position', () => {
  test('goes on behind the last complete line', async () => {
    const first = await openTail();
    await writeFile(log, 'a\nb\nhalf');
    await readAll(first);
    const second = await openTail({ position: first.position });
    await appendFile(log, ' done\nc\n');
    expect(await readAll(second)).toEqual(['half done', 'c']);
  });

  test('after renames in between reads the old files first', async () => {
    const first = await openTail();
    await writeFile(log, 'a\n');
    await readAll(first);
    await appendFile(log, 'b\n');
    await rename(log, `${log}.2`);
    await writeFile(`${log}.1`, 'c\n');
    await writeFile(log, 'd\n');
    expect(await readAll(await openTail({ position: first.position }))).toEqual(['b', 'c', 'd']);
  });

  test('after copy-truncate in between reads the rest of the copy first', async () => {
    const first = await openTail();
    await writeFile(log, 'line a of the log\n');
    await readAll(first);
    await appendFile(log, 'b\n');
    await copyFile(log, `${log}.1`);
    await truncate(log);
    await appendFile(log, 'c\n');
    expect(await readAll(await openTail({ position: first.position }))).toEqual(['b', 'c']);
  });

  test('says that the place is lost when no file holds it, and begins with the log of now', async () => {
    const first = await openTail();
    await writeFile(log, 'line a of the log\n');
    await readAll(first);
    await writeFile(log, 'something else, and longer than before\n');
    const notices: string[] = [];
    const second = await openTail({ position: first.position, onNotice: (notice) => notices.push(notice) });
    expect(await readAll(second)).toEqual(['something else, and longer than before']);
    expect(notices).toEqual(['position-lost']);
  });
});
