import { appendFile, copyFile, mkdtemp, rename, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { LogTail } from '../../runtime/log-monitor/tail.ts';

/**
 * What happens to a log, in any order. Everything is read before and after `truncate`, because what it destroys unread
 * is gone for every reader; all other steps come at the worst moment.
 */
type Step = 'write' | 'write-part' | 'read-once' | 'read-all' | 'rename' | 'copy-truncate' | 'truncate' | 'restart';

const steps = fc.array(
  fc.constantFrom<Step>(
    'write',
    'write',
    'write-part',
    'read-once',
    'read-all',
    'rename',
    'copy-truncate',
    'truncate',
    'restart',
  ),
  { minLength: 5, maxLength: 60 },
);

test('whatever rotation and restarts do, every line comes once and in order', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.integer({ min: 200, max: 800 }), async (script, chunkBytes) => {
      const folder = await mkdtemp(join(tmpdir(), 'fleet-tail-'));
      try {
        const { written, read } = await play(folder, script, chunkBytes);
        expect(read).toEqual(written);
      } finally {
        await rm(folder, { recursive: true });
      }
    }),
    { numRuns: 300 },
  );
}, 120_000);

async function play(folder: string, script: readonly Step[], chunkBytes: number) {
  const log = join(folder, 'engine.log');
  const written: string[] = [];
  const read: string[] = [];
  let unfinished = '';
  let tail = LogTail.open({ path: log, chunkBytes });

  const readOnce = () => {
    const { lines, atEnd } = tail.read();
    read.push(...lines);
    return atEnd;
  };
  const readAll = () => {
    while (!readOnce());
  };
  const write = async (isWhole: boolean) => {
    const rest = `${unfinished === '' ? `line ${written.length} of this test` : ' continued'}${isWhole ? '' : ' and'}`;
    unfinished += rest;
    await appendFile(log, isWhole ? `${rest}\n` : rest);
    if (isWhole) {
      written.push(unfinished);
      unfinished = '';
    }
  };
  const shiftRotated = async () => {
    for (let age = 80; age >= 1; age--) await rename(`${log}.${age}`, `${log}.${age + 1}`).catch(() => {});
  };

  await write(true);
  readAll();
  for (const step of script) {
    switch (step) {
      case 'write':
        for (let lines = 0; lines < 20; lines++) await write(true);
        break;
      case 'write-part':
        await write(false);
        break;
      case 'read-once':
        readOnce();
        break;
      case 'read-all':
        readAll();
        break;
      case 'rename':
        // A process that writes a line finishes it in the file where it began.
        if (unfinished !== '') await write(true);
        await shiftRotated();
        await rename(log, `${log}.1`).catch(() => {});
        break;
      case 'copy-truncate':
        if (unfinished !== '') await write(true);
        await shiftRotated();
        await copyFile(log, `${log}.1`).catch(() => {});
        await truncate(log).catch(() => {});
        break;
      case 'truncate':
        if (unfinished !== '') await write(true);
        readAll();
        await truncate(log).catch(() => {});
        await write(true);
        readAll();
        break;
      case 'restart': {
        const { position } = tail;
        tail.close();
        tail = LogTail.open({ path: log, chunkBytes, ...(position && { position }) });
        break;
      }
    }
  }
  await write(true);
  readAll();
  tail.close();
  return { written, read };
}
