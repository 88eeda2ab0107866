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
  for (const tail of open.splice(0)) tail.close();
  await rm(folder, { recursive: true });
});

function openTail(options: Partial<TailOptions> = {}): LogTail {
  const tail = LogTail.open({ path: log, ...options });
  open.push(tail);
  return tail;
}

/** Everything there is to read now. */
function readAll(tail: LogTail): string[] {
  const lines: string[] = [];
  for (;;) {
    const read = tail.read();
    lines.push(...read.lines);
    if (read.atEnd) return lines;
  }
}

describe('a growing file', () => {
  test('gives each line once, and a partial line when it is complete', async () => {
    const tail = openTail();
    expect(readAll(tail)).toEqual([]);
    await writeFile(log, 'one\ntw');
    expect(readAll(tail)).toEqual(['one']);
    await appendFile(log, 'o\nthree\n');
    expect(readAll(tail)).toEqual(['two', 'three']);
    expect(readAll(tail)).toEqual([]);
  });

  test('is cut at LF only: a progress bar stays one line', async () => {
    await writeFile(log, ' 10%\r 20%\r 30%\nnext\r\n');
    expect(readAll(openTail())).toEqual([' 10%\r 20%\r 30%', 'next\r']);
  });

  test('is cut by bytes, not by reads: a character may span two', async () => {
    await writeFile(log, 'Lade Gewichte █ ä\nEnde\n');
    expect(readAll(openTail({ chunkBytes: 1 }))).toEqual(['Lade Gewichte █ ä', 'Ende']);
  });

  test('can be followed from its end', async () => {
    await writeFile(log, 'old\n');
    const tail = openTail({ from: 'end' });
    await appendFile(log, 'new\n');
    expect(readAll(tail)).toEqual(['new']);
  });
});

describe('rotation by rename', () => {
  test('finishes the old file, also what is written to it late, then takes the new one', async () => {
    const tail = openTail();
    await writeFile(log, 'a\n');
    expect(readAll(tail)).toEqual(['a']);
    await rename(log, `${log}.1`);
    await appendFile(`${log}.1`, 'b\n');
    await writeFile(log, '');
    expect(readAll(tail)).toEqual(['b']);
    await appendFile(`${log}.1`, 'c\n');
    await appendFile(log, 'd\n');
    expect(readAll(tail)).toEqual(['c', 'd']);
  });

  test('twice between two reads loses nothing', async () => {
    const tail = openTail();
    await writeFile(log, 'a\n');
    readAll(tail);
    await appendFile(log, 'b\n');
    await rename(log, `${log}.1`);
    await writeFile(log, 'c\n');
    await rename(`${log}.1`, `${log}.2`);
    await rename(log, `${log}.1`);
    await writeFile(log, 'd\n');
    expect(readAll(tail)).toEqual(['b', 'c', 'd']);
  });

  test('ends an unfinished line with its file', async () => {
    const tail = openTail();
    await writeFile(log, 'a\nunfinished');
    readAll(tail);
    await rename(log, `${log}-20261122`);
    await writeFile(log, 'b\n');
    expect(readAll(tail)).toEqual(['unfinished', 'b']);
  });
});

describe('truncation', () => {
  test('starts over in the emptied file', async () => {
    const tail = openTail();
    await writeFile(log, 'first\nsecond\n');
    readAll(tail);
    await truncate(log);
    await appendFile(log, 'third\n');
    expect(readAll(tail)).toEqual(['third']);
  });

  test('is noticed although the file has outgrown its old length', async () => {
    const tail = openTail();
    await writeFile(log, 'first\n');
    readAll(tail);
    await writeFile(log, 'other\nlines\nthat are longer\n');
    expect(readAll(tail)).toEqual(['other', 'lines', 'that are longer']);
  });

  test('with a copy: what was not read yet comes from the copy', async () => {
    const tail = openTail();
    await writeFile(log, 'a\nb');
    expect(readAll(tail)).toEqual(['a']);
    await appendFile(log, 'b\nc\nd');
    await copyFile(log, `${log}.1`);
    await truncate(log);
    await appendFile(log, 'd\ne\n');
    expect(readAll(tail)).toEqual(['bb', 'c', 'dd', 'e']);
  });

  test('with a copy that was read already counts nothing twice', async () => {
    const tail = openTail();
    await writeFile(log, 'a\nb\n');
    readAll(tail);
    await copyFile(log, `${log}.1`);
    await truncate(log);
    await appendFile(log, 'c\n');
    expect(readAll(tail)).toEqual(['c']);
  });

  test('under a writer that does not append: the hole of zeros hides no line', async () => {
    const tail = openTail();
    await writeFile(log, 'a\nb\n');
    readAll(tail);
    const hole = 700_000;
    await writeFile(log, Buffer.concat([Buffer.alloc(hole), Buffer.from('c\nd\n')]));
    const lines = readAll(tail);
    expect(lines.map((line) => line.replaceAll('\0', ''))).toEqual(['c', 'd']);
    expect(lines[0]!.length).toBeLessThan(hole);
  });
});

describe('a restart with the saved position', () => {
  test('goes on behind the last complete line', async () => {
    const first = openTail();
    await writeFile(log, 'a\nb\nhalf');
    readAll(first);
    const second = openTail({ position: first.position });
    await appendFile(log, ' done\nc\n');
    expect(readAll(second)).toEqual(['half done', 'c']);
  });

  test('after renames in between reads the old files first', async () => {
    const first = openTail();
    await writeFile(log, 'a\n');
    readAll(first);
    await appendFile(log, 'b\n');
    await rename(log, `${log}.2`);
    await writeFile(`${log}.1`, 'c\n');
    await writeFile(log, 'd\n');
    expect(readAll(openTail({ position: first.position }))).toEqual(['b', 'c', 'd']);
  });

  test('after copy-truncate in between reads the rest of the copy first', async () => {
    const first = openTail();
    await writeFile(log, 'line a of the log\n');
    readAll(first);
    await appendFile(log, 'b\n');
    await copyFile(log, `${log}.1`);
    await truncate(log);
    await appendFile(log, 'c\n');
    expect(readAll(openTail({ position: first.position }))).toEqual(['b', 'c']);
  });

  test('says that the place is lost when no file holds it, and begins with the log of now', async () => {
    const first = openTail();
    await writeFile(log, 'line a of the log\n');
    readAll(first);
    await writeFile(log, 'something else, and longer than before\n');
    const notices: string[] = [];
    const second = openTail({ position: first.position, onNotice: (notice) => notices.push(notice) });
    expect(readAll(second)).toEqual(['something else, and longer than before']);
    expect(notices).toEqual(['position-lost']);
  });
});
