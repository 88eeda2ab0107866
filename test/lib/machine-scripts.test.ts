import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { FakeInstanceMetadata } from '../support/cloud/instance-metadata.ts';
import { eventually } from '../support/eventually.ts';
import { repositoryRoot } from '../support/fleet-templates.ts';
import { StubPrograms } from '../support/stub-programs.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const scriptFile = (name: string) => path.join(repositoryRoot, 'lib/machine', name);

describe('mount-store.sh', () => {
  const volume = 'vol-0123456789abcdef0';

  /** @param blkid status of a look at the volume: 0 for a file system, 2 for nothing */
  async function mountStore(folder: string, blkid: number, attempts = 1) {
    const devices = path.join(folder, 'devices');
    await mkdir(devices);
    const device = path.join(devices, 'nvme-Amazon_Elastic_Block_Store_vol0123456789abcdef0');
    const table = path.join(folder, 'fstab');
    await writeFile(table, '');
    const programs = await StubPrograms.in(folder, {
      // The device comes with the last attempt; before that the volume is in use elsewhere.
      aws: `if [ "$(grep -c '^aws ' ${folder}/calls)" = ${attempts} ]; then touch ${device}; else exit 254; fi`,
      blkid: `exit ${blkid}`,
      'mkfs.xfs': '',
      mountpoint: 'exit 1',
      mount: '',
      chown: '',
    });
    const mountPoint = path.join(folder, 'store');
    const run = async () => {
      await using metadata = await FakeInstanceMetadata.start({ 'instance-id': 'i-0abc' });
      const env = { METADATA: metadata.endpoint, DEVICES: devices, TABLE: table, RETRY_SECONDS: '0.01' };
      await programs.run(scriptFile('mount-store.sh'), [volume, mountPoint, 'fleet'], env);
    };
    return { run, programs, device, table, mountPoint };
  }

  test('attaches the volume to this machine, however long another one has it', async () => {
    await using folder = await temporaryDirectory();
    const { run, programs } = await mountStore(folder.path, 0, 3);
    await run();
    const attach = `aws ec2 attach-volume --volume-id ${volume} --instance-id i-0abc --device /dev/sdf`;
    expect(programs.calls.filter((call) => call.startsWith('aws '))).toEqual([attach, attach, attach]);
  });

  test('makes a file system on a volume that has nothing on it, and on no other', async () => {
    for (const [blkid, made] of [
      [2, 1],
      [0, 0],
      // Something that is no file system for sure.
      [8, 0],
    ] as const) {
      await using folder = await temporaryDirectory();
      const { run, programs } = await mountStore(folder.path, blkid);
      await run();
      expect(programs.calls.filter((call) => call.startsWith('mkfs'))).toHaveLength(made);
    }
  });

  test('mounts it for the daemons alone, now and at every start of the machine', async () => {
    await using folder = await temporaryDirectory();
    const { run, programs, device, table, mountPoint } = await mountStore(folder.path, 0);
    await run();
    await run();
    expect(await readFile(table, 'utf8')).toBe(`${device} ${mountPoint} xfs defaults,nofail 0 2\n`);
    expect(programs.calls).toEqual(expect.arrayContaining([`mount ${mountPoint}`, `chown fleet: ${mountPoint}`]));
  });
});

describe('leave-group.sh', () => {
  test('ends the daemon when the group takes the machine, then lets the group go on', async () => {
    await using folder = await temporaryDirectory();
    await using metadata = await FakeInstanceMetadata.start({ 'instance-id': 'i-0abc' });
    const sleep = '[ "$1" = infinity ] || exec /bin/sleep "$1"';
    const programs = await StubPrograms.in(folder.path, { systemctl: '', aws: '', sleep });
    const env = { METADATA: metadata.endpoint, POLL_SECONDS: '0.01' };
    const done = programs.run(
      scriptFile('leave-group.sh'),
      ['fleet-router', 'dev-router', 'fleet-terminate', '0.02'],
      env,
    );
    const polls = () => programs.calls.filter((call) => call === 'sleep 0.01').length;
    // In no group, then in one: no reason to end anything.
    await eventually(() => expect(polls()).toBeGreaterThan(1));
    metadata.items.set('autoscaling/target-lifecycle-state', 'InService');
    const before = polls();
    await eventually(() => expect(polls()).toBeGreaterThan(before + 1));
    expect(programs.calls.filter((call) => !call.startsWith('sleep'))).toEqual([]);

    metadata.items.set('autoscaling/target-lifecycle-state', 'Terminated');
    await done;
    expect(programs.calls.filter((call) => call !== 'sleep 0.01')).toEqual([
      'sleep 0.02',
      'systemctl stop fleet-router',
      'aws autoscaling complete-lifecycle-action --lifecycle-action-result CONTINUE ' +
        '--auto-scaling-group-name dev-router --lifecycle-hook-name fleet-terminate --instance-id i-0abc',
      'sleep infinity',
    ]);
  });

  test('fails when the group cannot be told, so that systemd starts it again and it is tried again', async () => {
    await using folder = await temporaryDirectory();
    await using metadata = await FakeInstanceMetadata.start({
      'instance-id': 'i-0abc',
      'autoscaling/target-lifecycle-state': 'Terminated',
    });
    const programs = await StubPrograms.in(folder.path, { systemctl: '', aws: 'exit 254' });
    const args = ['fleet-router', 'dev-router', 'fleet-terminate', '0'];
    await expect(programs.run(scriptFile('leave-group.sh'), args, { METADATA: metadata.endpoint })).rejects.toThrow();
  });
});
