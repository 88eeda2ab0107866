import { cgroupFolder } from '../../../runtime/sandboxes/cgroups/own-cgroup.ts';

const mounts = (...cgroup2: string[]) =>
  [
    '22 1 259:1 / / rw,noatime shared:1 - xfs /dev/nvme0n1p1 rw',
    '31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755',
    ...cgroup2,
    '45 22 0:40 / /tmp rw shared:9 - tmpfs tmpfs rw',
  ].join('\n');
const unified = '26 23 0:23 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate';

test.each([
  ['a unit', '0::/system.slice/fleet-runner.service\n', unified, '/sys/fs/cgroup/system.slice/fleet-runner.service'],
  ['the root of a namespace', '0::/\n', unified, '/sys/fs/cgroup'],
  [
    'the second half of a hybrid hierarchy',
    '4:memory:/a\n1:cpu:/\n0::/b\n',
    '41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw',
    '/sys/fs/cgroup/unified/b',
  ],
  ['a part that is mounted alone', '0::/docker/x/y\n', '9 8 0:23 /docker/x /cg rw - cgroup2 cgroup rw', '/cg/y'],
  ['that part itself', '0::/docker/x\n', '9 8 0:23 /docker/x /cg rw - cgroup2 cgroup rw', '/cg'],
  ['a mount point with a space', '0::/a\n', '9 8 0:23 / /my\\040groups rw - cgroup2 cgroup rw', '/my groups/a'],
])('the folder of a group in %s', (_where, cgroup, mount, folder) => {
  expect(cgroupFolder(cgroup, mounts(mount))).toBe(folder);
});

test.each([
  ['without cgroup v2', '4:memory:/a\n1:cpu:/\n', unified],
  ['where it is not mounted', '0::/a\n', ''],
  ['outside of the namespace', '0::/../a\n', unified],
  ['beside what is mounted', '0::/docker/xyz\n', '9 8 0:23 /docker/x /cg rw - cgroup2 cgroup rw'],
])('there is none %s', (_why, cgroup, mount) => {
  expect(cgroupFolder(cgroup, mounts(mount))).toBeUndefined();
});
