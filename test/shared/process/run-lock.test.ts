import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { identifyProcess } from '../../../runtime/shared/process/process-table.ts';
import { LockHeldError, RunLock, readRunRecord } from '../../../runtime/shared/process/run-lock.ts';
import { startProgram } from '../../support/process.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const family = path.join(import.meta.dirname, '../../support/programs/family.ts');
const deadOwner = { pid: 2 ** 22 + 1, startedAt: 'boot:1' };

test('a second holder is refused and told who holds the lock', async () => {
  await using folder = await temporaryDirectory();
  const file = path.join(folder.path, 'lock');
  using first = new RunLock(file);
  expect(() => new RunLock(file)).toThrow(LockHeldError);
  expect(first.leftovers).toEqual([]);
  expect(readRunRecord(file)?.owner.pid).toBe(process.pid);
});

test('a released lock leaves no file and can be taken again', async () => {
  await using folder = await temporaryDirectory();
  const file = path.join(folder.path, 'lock');
  new RunLock(file).release();
  expect(existsSync(file)).toBe(false);
  new RunLock(file).release();
});

test('a dead holder is replaced, and only those of its children that still run are left over', async () => {
  await using folder = await temporaryDirectory();
  const file = path.join(folder.path, 'lock');
  await using orphan = startProgram(family, []);
  await orphan.waitForLine(/^pids/);
  const living = { name: 'engine', ...identifyProcess(orphan.pid)! };
  const children = [
    living,
    { name: 'reused pid', pid: orphan.pid, startedAt: 'another boot' },
    { name: 'dead', ...deadOwner },
  ];
  writeFileSync(file, JSON.stringify({ owner: deadOwner, since: '2026-01-01T00:00:00.000Z', children }));
  using lock = new RunLock(file);
  expect(lock.leftovers).toEqual([living]);
  // Still on record until it is gone.
  expect(readRunRecord(file)?.children).toEqual([living]);
});

test('a file that is no lock record does not stop anybody', async () => {
  await using folder = await temporaryDirectory();
  const file = path.join(folder.path, 'lock');
  writeFileSync(file, '{"owner":');
  using lock = new RunLock(file);
  expect(lock.leftovers).toEqual([]);
});
