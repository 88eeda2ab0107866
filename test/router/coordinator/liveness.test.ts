import { setTimeout as delay } from 'node:timers/promises';
import { HeartbeatWriter } from '../../../runtime/router/coordinator/heartbeat-writer.ts';
import { nextSweepDelayMs } from '../../../runtime/router/coordinator/liveness.ts';
import { silenceCutOffMs } from '../../../runtime/router/coordinator/trusted-silence.ts';

test('sweeps come every 10 s and a random part of 5 s', () => {
  expect(nextSweepDelayMs(0)).toBe(10_000);
  expect(nextSweepDelayMs(0.5)).toBe(12_500);
  expect(nextSweepDelayMs(1 - Number.EPSILON)).toBeLessThanOrEqual(15_000);
});

test('silence means death only once everybody had the time to be heard', () => {
  expect(silenceCutOffMs(100_000, 30_000, 0)).toBe(70_000);
  expect(silenceCutOffMs(100_000, 30_000, 70_000)).toBe(70_000);
  expect(silenceCutOffMs(100_000, 30_000, 70_001)).toBeUndefined();
});

test('heartbeats that come while a write is under way are written together', async () => {
  const groups: string[][] = [];
  const writer = new HeartbeatWriter(async (beats) => {
    groups.push(beats.map(({ heartbeat }) => heartbeat.runnerId));
    await delay(5);
    return new Set(['a', 'b']);
  });
  const save = (runnerId: string) => writer.save({ runnerId, activeCount: 0, warmingCount: 0 }, 1);
  expect(await Promise.all(['a', 'b', 'c', 'b'].map(save))).toEqual([true, true, false, true]);
  expect(groups).toEqual([['a'], ['b', 'c']]);
});

test('a write that fails is told to those who wait for it, and the next one is made', async () => {
  let isDown = true;
  const writer = new HeartbeatWriter(async () => {
    if (isDown) throw new Error('down');
    return new Set(['a']);
  });
  const save = () => writer.save({ runnerId: 'a', activeCount: 0, warmingCount: 0 }, 1);
  await expect(save()).rejects.toThrow('down');
  isDown = false;
  expect(await save()).toBe(true);
});
