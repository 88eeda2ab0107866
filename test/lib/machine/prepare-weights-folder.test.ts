import { mkdir } from 'node:fs/promises';
import { userInfo } from 'node:os';
import path from 'node:path';
import { scriptMachine } from '../../support/machine-script.ts';

const script = 'prepare-weights-folder.sh';
const user = userInfo().username;

/** A machine with such disks, where nothing is mounted unless a marker says so. */
function machineWith(disks: number, state: { readonly formatted?: string; readonly dlami?: boolean } = {}) {
  const lines = [...Array(disks)].map((_, i) => `echo "/dev/nvme${i + 1}n1 Amazon EC2 NVMe Instance Storage"`);
  return scriptMachine({
    lsblk: ['echo "/dev/nvme0n1 Amazon Elastic Block Store"', ...lines].join('\n'),
    blkid: state.formatted === undefined ? 'exit 2' : `echo ${state.formatted}`,
    // The folder is mounted once `mount` was called; a Deep Learning image mounts its own.
    mountpoint: `case $2 in
      /opt/dlami/nvme) exit ${state.dlami ? 0 : 1} ;;
      *) test -e "$MACHINE/mounted" ;;
    esac`,
    mount: 'touch "$MACHINE/mounted"',
    mdadm: '',
    'mkfs.xfs': '',
    mkdir: 'case $2 in /opt/*) ;; *) exec /bin/mkdir "$@" ;; esac',
  });
}
const changes = (calls: readonly string[]) => calls.filter((call) => /^(mdadm|mkfs\.xfs|mount) /.test(call));

test('several disks of the instance store become one, which is mounted on the folder', async () => {
  await using machine = await machineWith(2);
  const folder = path.join(machine.folder, 'fleet/weights');
  const { code, calls, output } = await machine.run(script, [folder, user, 'instance-store']);
  expect([code, output]).toEqual([0, '']);
  expect(changes(calls)).toEqual([
    'mdadm --create /dev/md/fleet-data --run --level=0 --raid-devices=2 /dev/nvme1n1 /dev/nvme2n1',
    'mkfs.xfs -f -q -L fleet-data /dev/md/fleet-data',
    `mount -o noatime /dev/md/fleet-data ${folder}`,
  ]);
});

test('a single disk is used as it is', async () => {
  await using machine = await machineWith(1);
  const folder = path.join(machine.folder, 'fleet/weights');
  const { calls } = await machine.run(script, [folder, user, 'instance-store']);
  expect(changes(calls)).toEqual([
    'mkfs.xfs -f -q -L fleet-data /dev/nvme1n1',
    `mount -o noatime /dev/nvme1n1 ${folder}`,
  ]);
});

test('a machine without an instance store has an ordinary folder', async () => {
  await using machine = await machineWith(0);
  const { code, calls } = await machine.run(script, [
    path.join(machine.folder, 'fleet/weights'),
    user,
    'instance-store',
  ]);
  expect([code, changes(calls)]).toEqual([0, []]);
});

test('where the root volume is asked for, the instance store is left alone', async () => {
  await using machine = await machineWith(2);
  const { code, calls } = await machine.run(script, [path.join(machine.folder, 'fleet/weights'), user, 'root-volume']);
  expect([code, changes(calls)]).toEqual([0, []]);
});

test('after a reboot the weights are still there: nothing is formatted again', async () => {
  await using machine = await machineWith(2, { formatted: '/dev/md127' });
  const folder = path.join(machine.folder, 'fleet/weights');
  const { calls } = await machine.run(script, [folder, user, 'instance-store']);
  expect(changes(calls)).toEqual([`mount -o noatime /dev/md127 ${folder}`]);
});

test('an instance store that the image has mounted is shared with it', async () => {
  await using machine = await machineWith(2, { dlami: true });
  const folder = path.join(machine.folder, 'fleet/weights');
  const { calls } = await machine.run(script, [folder, user, 'instance-store']);
  expect(changes(calls)).toEqual([`mount --bind /opt/dlami/nvme/fleet ${folder}`]);
});

test('a second run changes nothing', async () => {
  await using machine = await machineWith(2);
  const args = [path.join(machine.folder, 'fleet/weights'), user, 'instance-store'];
  await machine.run(script, args);
  const { code, calls } = await machine.run(script, args);
  expect([code, changes(calls)]).toEqual([0, []]);
});

test('weights that were copied have a folder before the engine is asked for them', async () => {
  await using machine = await machineWith(0);
  const folder = path.join(machine.folder, 'fleet/weights');
  await machine.run(script, [folder, user, 'instance-store']);
  await expect(mkdir(path.join(folder, 'model'))).rejects.toMatchObject({ code: 'EEXIST' });
});

test('a disk that cannot be formatted is a failure, which keeps the runner from filling the root volume', async () => {
  await using machine = await scriptMachine({
    lsblk: 'echo "/dev/nvme1n1 Amazon EC2 NVMe Instance Storage"',
    blkid: 'exit 2',
    mountpoint: 'exit 1',
    'mkfs.xfs': 'exit 1',
    mount: '',
  });
  const { code, calls } = await machine.run(script, [
    path.join(machine.folder, 'fleet/weights'),
    user,
    'instance-store',
  ]);
  expect(code).not.toBe(0);
  expect(calls.some((call) => call.startsWith('mount '))).toBe(false);
});
