import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { EmfFile } from '../../../runtime/shared/cloudwatch/emf-file.ts';
import { createLogger } from '../../../runtime/shared/log.ts';
import { until } from '../../support/poll.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

interface Bed extends AsyncDisposable {
  readonly folder: string;
  readonly file: string;
  readonly logged: { readonly msg: string; readonly droppedLines?: number }[];
  open(options?: { maxBytes?: number; bufferBytes?: number }): EmfFile;
}

async function makeBed(name = 'metrics.emf'): Promise<Bed> {
  const folder = await temporaryDirectory();
  const file = path.join(folder.path, name);
  const logged: Bed['logged'] = [];
  const log = createLogger({ service: 'test', write: (line) => logged.push(JSON.parse(line)) });
  return {
    folder: folder.path,
    file,
    logged,
    open: (options) => new EmfFile({ path: file, maxBytes: 1_000_000, bufferBytes: 10_000, log, ...options }),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

const linesIn = async (file: string) => (await readFile(file, 'utf8')).split('\n').slice(0, -1);

test('lines are appended in order to what is there, and the folder is made', async () => {
  await using bed = await makeBed('made/metrics.emf');
  const first = bed.open();
  for (let index = 0; index < 100; index++) first.write(`line ${index}`);
  await first.close();
  const second = bed.open();
  second.write('line 100');
  await second.close();
  expect(await linesIn(bed.file)).toEqual(Array.from({ length: 101 }, (_, index) => `line ${index}`));
});

test('the file keeps its bound by a rename, one old file is kept, and a follower sees every line once', async () => {
  await using bed = await makeBed();
  const file = bed.open({ maxBytes: 1_000 });
  const seen: string[] = [];
  for (let round = 0; round < 30; round++) {
    file.write(`${String(round).padStart(3, '0')} ${'x'.repeat(95)}`);
    await until('the line is written', async () => {
      return (await readFile(bed.file, 'utf8').catch(() => '')).includes(`${String(round).padStart(3, '0')} x`);
    });
    if (round % 10 === 9) seen.push(...(await linesIn(bed.file)));
  }
  await file.close();
  expect((await readdir(bed.folder)).sort()).toEqual(['metrics.emf', 'metrics.emf.1']);
  expect(seen.map((line) => Number(line.slice(0, 3)))).toEqual(Array.from({ length: 30 }, (_, index) => index));
});

test('rotation and removal by others are followed', async () => {
  await using bed = await makeBed();
  const file = bed.open();
  file.write('before');
  await until('written', async () => (await readdir(bed.folder)).length === 1);
  await rename(bed.file, `${bed.file}-20261127`);
  file.write('after');
  await file.close();
  expect(await linesIn(bed.file)).toEqual(['after']);
});

test('two writers do not break each other’s lines', async () => {
  await using bed = await makeBed();
  const writers = [bed.open({ maxBytes: 20_000 }), bed.open({ maxBytes: 20_000 })];
  for (let index = 0; index < 100; index++) {
    for (const [which, writer] of writers.entries()) writer.write(`${which} ${'y'.repeat(80)}`);
  }
  await Promise.all(writers.map((writer) => writer.close()));
  for (const line of await linesIn(bed.file)) expect(line).toMatch(/^[01] y{80}$/);
});

test('while nothing can be written lines are kept within their bound, then written, and the log says so once', async () => {
  await using bed = await makeBed();
  // A folder in its place fails every write, as a full disk does.
  await mkdir(bed.file);
  const file = bed.open({ bufferBytes: 1_000 });
  for (let index = 0; index < 50; index++) {
    file.write(`${String(index).padStart(3, '0')} ${'z'.repeat(96)}`);
    await until('the first failure is logged', () => bed.logged.length > 0);
  }
  await rm(bed.file, { recursive: true });
  await until('the lines are written', async () => {
    file.write(`last ${'z'.repeat(95)}`);
    return (await readdir(bed.folder)).length > 0;
  });
  await file.close();
  const kept = (await linesIn(bed.file)).filter((line) => !line.startsWith('last'));
  expect(kept.map((line) => Number(line.slice(0, 3)))).toEqual(expect.arrayContaining([49, 48, 47]));
  expect(kept.length).toBeLessThanOrEqual(10);
  expect(bed.logged.map(({ msg }) => msg)).toEqual([
    'metric lines cannot be written, they are kept',
    'metric lines are written again',
  ]);
  expect(bed.logged[1]!.droppedLines).toBeGreaterThanOrEqual(40);
});

test('half a line that a full disk left does not swallow the next one', async () => {
  await using bed = await makeBed();
  await symlink('/dev/full', bed.file);
  const file = bed.open();
  file.write('first');
  await until('the failure is logged', () => bed.logged.length > 0);
  await rm(bed.file);
  await writeFile(bed.file, 'fir');
  file.write('second');
  await file.close();
  expect(await linesIn(bed.file)).toEqual(['fir', 'first', 'second']);
});

test('closing gives up what cannot be written and says so', async () => {
  await using bed = await makeBed();
  await mkdir(bed.file);
  const file = bed.open();
  file.write('lost');
  await file.close();
  expect(bed.logged.at(-1)).toMatchObject({ msg: 'metric lines lost at shutdown', lines: 1 });
});
