import path from 'node:path';
import {
  identifyProcess,
  isRunning,
  type ProcessRow,
  parseProcStat,
} from '../../../runtime/shared/process/process-table.ts';
import { endTree, killTree, processTree } from '../../../runtime/shared/process/process-tree.ts';
import { until } from '../../support/poll.ts';
import { startProgram } from '../../support/process.ts';

const family = path.join(import.meta.dirname, '../../support/programs/family.ts');

async function startFamily(...args: string[]) {
  const parent = startProgram(family, args);
  const [, , childPid] = await parent.waitForLine(/^pids (\d+) (\d+)$/);
  const child = identifyProcess(Number(childPid))!;
  return {
    parent,
    identity: identifyProcess(parent.pid)!,
    child,
    [Symbol.asyncDispose]: () => parent[Symbol.asyncDispose](),
  };
}

function row(pid: number, parentPid: number, groupId = 1, startedAt = 'boot:1'): ProcessRow {
  return { pid, parentPid, groupId, startedAt };
}

test('a tree holds the root, its descendants and the groups that they lead, and nothing else', () => {
  const table = [row(10, 1, 10), row(11, 10, 10), row(12, 11, 12), row(13, 1, 12), row(20, 1, 20), row(21, 20, 20)];
  expect(processTree(table[0]!, table)).toEqual([10, 11, 12, 13]);
});

test('a dead group leader is still found through its orphans', () => {
  expect(processTree({ pid: 10, startedAt: 'boot:1' }, [row(11, 1, 10), row(12, 1, 12)])).toEqual([11]);
});

test('a pid that now belongs to another process has no tree', () => {
  expect(processTree({ pid: 10, startedAt: 'boot:1' }, [row(10, 1, 10, 'boot:2'), row(11, 10, 10)])).toEqual([]);
});

test('a command name with spaces and parentheses does not shift the fields', () => {
  const stat = `42 (odd) name) S 7 8 9 0 -1 ${Array.from({ length: 13 }, (_, index) => index).join(' ')} 777 1`;
  expect(parseProcStat(stat, 'b')).toEqual({ pid: 42, parentPid: 7, groupId: 8, startedAt: 'b:777' });
});

test('a zombie does not count as running', () => {
  expect(parseProcStat(`42 (gone) Z 7 8 9 0 -1 ${'0 '.repeat(13)}777 1`, 'b')).toBeUndefined();
});

test('ending a tree signals the parent, then kills the child that it left behind', async () => {
  await using it = await startFamily();
  await endTree(it.identity, 10_000);
  expect(isRunning(it.child)).toBe(false);
  expect(await it.parent.waitForExit()).toEqual({ code: null, signal: 'SIGTERM' });
});

test('a tree that ignores SIGTERM is killed when its grace is over', async () => {
  await using it = await startFamily('stubborn');
  await endTree(it.identity, 100);
  expect(isRunning(it.child)).toBe(false);
  expect(await it.parent.waitForExit()).toEqual({ code: null, signal: 'SIGKILL' });
});

test('killing a tree reaches every member', async () => {
  await using it = await startFamily();
  expect(killTree(it.identity)).toBeGreaterThanOrEqual(2);
  await until('the child is gone', () => !isRunning(it.child));
});
