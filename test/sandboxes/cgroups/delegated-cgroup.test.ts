import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { divideCgroup } from '../../../runtime/sandboxes/cgroups/delegated-cgroup.ts';
import { probeConfinement } from '../../../runtime/sandboxes/confinement.ts';
import { CgroupStandIn } from '../../support/cgroup-stand-in.ts';

test('a delegated group is divided into one for the host, which moves there, and one for sandboxes', async () => {
  await using cgroup = await CgroupStandIn.start();
  expect(divideCgroup(cgroup.folder)).toBe(path.join(cgroup.folder, 'sandboxes'));
  expect(cgroup.read('host/cgroup.procs')).toBe(String(process.pid));
  for (const file of ['cgroup.subtree_control', 'sandboxes/cgroup.subtree_control']) {
    expect(cgroup.read(file)).toBe('+cpu +memory +pids');
  }
  expect(cgroup.read('sandboxes/cpu.weight')).toBe('50');
});

test('with it nothing is asked of systemd', async () => {
  await using cgroup = await CgroupStandIn.start();
  expect(await probeConfinement(cgroup.folder)).toMatchObject({
    cgroup: path.join(cgroup.folder, 'sandboxes'),
    systemdScope: undefined,
  });
});

test.each([
  ['in which others run, such as the shell of a terminal', [1, process.pid], undefined],
  ['that lacks a controller', undefined, 'cpu io pids'],
])('a group %s stays as it is', async (_which, pids, controllers) => {
  await using cgroup = await CgroupStandIn.start(pids, controllers);
  expect(divideCgroup(cgroup.folder)).toBeUndefined();
  expect(cgroup.groups()).toEqual([]);
  expect((await probeConfinement(cgroup.folder)).cgroup).toBeUndefined();
});

test('a group that does not exist is none', () => {
  expect(divideCgroup('/no/such/group')).toBeUndefined();
});

test('a host that may not give its group to others goes back into it', async () => {
  await using cgroup = await CgroupStandIn.start();
  // A write that fails for root as well.
  rmSync(path.join(cgroup.folder, 'cgroup.subtree_control'));
  mkdirSync(path.join(cgroup.folder, 'cgroup.subtree_control'));
  expect(divideCgroup(cgroup.folder)).toBeUndefined();
  expect(cgroup.read('cgroup.procs')).toBe(String(process.pid));
  expect(cgroup.groups()).not.toContain('sandboxes');
});
