import { rmSync } from 'node:fs';
import { divideCgroup } from '../../../runtime/sandboxes/cgroups/delegated-cgroup.ts';
import { noConfinement } from '../../../runtime/sandboxes/confinement.ts';
import type { PoolOptions } from '../../../runtime/sandboxes/pool.ts';
import { CgroupStandIn } from '../../support/cgroup-stand-in.ts';
import { StartedPool, scriptedAgent } from '../../support/started-pool.ts';

let cgroup: CgroupStandIn;
beforeEach(async () => {
  cgroup = await CgroupStandIn.start();
});
afterEach(() => cgroup[Symbol.asyncDispose]());

const startPool = (options: Partial<PoolOptions> = {}) =>
  StartedPool.start({ confinement: { ...noConfinement, cgroup: divideCgroup(cgroup.folder) }, ...options });
const limits = (group: string) => {
  const read = (file: string) => cgroup.read(`sandboxes/${group}/${file}`);
  return ['memory.max', 'memory.swap.max', 'memory.oom.group', 'pids.max'].map(read);
};

test('a sandbox starts within a group of its own that has its limits, and takes it away at its end', async () => {
  await using host = await startPool({ agents: [scriptedAgent([], { memoryMb: 64 })] });
  const session = await host.session();
  const [group, ...others] = cgroup.groups('sandboxes');
  expect(others).toEqual([]);
  expect(limits(group!)).toEqual([String(64 * 1024 * 1024), '0', '1', '1024']);
  // By the process itself, before it became the agent: what it starts is in there too.
  expect(cgroup.read(`sandboxes/${group}/cgroup.procs`)).toBe('0\n');
  expect((await session.say('say held')).text).toBe('held');
  await host.pool.destroy('s');
  expect(cgroup.groups('sandboxes')).toEqual([]);
});

test('without a memory limit it has none, but for the number of its processes', async () => {
  await using host = await startPool();
  await host.session();
  const [group] = cgroup.groups('sandboxes');
  expect(cgroup.read(`sandboxes/${group}/pids.max`)).toBe('1024');
  expect(() => cgroup.read(`sandboxes/${group}/memory.max`)).toThrow('ENOENT');
});

test('every sandbox has another group, also one that died; a kill that nobody ordered is the kernel out of memory', async () => {
  await using host = await startPool({ agents: [scriptedAgent([], { memoryMb: 256 })] });
  const session = await host.session('a');
  await host.session('b');
  const before = cgroup.groups('sandboxes');
  expect(before).toHaveLength(2);
  const turn = session.say('wait');
  process.kill(host.pidOf('a'), 'SIGKILL');
  await expect(turn).rejects.toMatchObject({ code: 'SANDBOX_OUT_OF_MEMORY' });
  expect(cgroup.groups('sandboxes')).toHaveLength(1);
  await host.session('a');
  const after = cgroup.groups('sandboxes');
  expect(after).toHaveLength(2);
  expect(after.filter((group) => before.includes(group))).toHaveLength(1);
});

test('where a group cannot be made a sandbox runs without one, which the log says', async () => {
  await using host = await startPool();
  rmSync(`${cgroup.folder}/sandboxes`, { recursive: true });
  expect((await (await host.session()).say('say held')).text).toBe('held');
  expect(host.logged).toContainEqual(
    expect.objectContaining({ msg: 'no control group for a sandbox', level: 'error' }),
  );
});
