import { FakeCloud } from '../support/cloud/fake-cloud.ts';
import { eventually } from '../support/eventually.ts';
import { startFleetCommand } from '../support/process.ts';
import { StartedRunner } from '../support/started-runner.ts';

const secret = { FLEET_INTERNAL_SECRET: 'sesame' };

test('runners and routers that know nothing of one another meet through the Auto Scaling group', async () => {
  await using cloud = await FakeCloud.start();
  cloud.createGroup({ name: 'workers' });
  await using runner = await StartedRunner.start({ env: secret });
  const { engineUrl } = await runner.ready();
  const worker = await cloud.launch({ group: 'workers', privateIp: '127.0.0.1' });
  const machine = await cloud.launch({ group: null });
  const options = ['--asg', 'workers', '--time-scale', '20', '--port', '0', '--admin-port', '0'];
  const ports = ['--engine-port', new URL(engineUrl).port, '--runner-port', new URL(await runner.url()).port];
  const env = { ...machine.environment, ...secret };
  await using one = startFleetCommand(['router', ...options, ...ports], { env });
  await using other = startFleetCommand(['router', ...options, ...ports], { env });
  for (const router of [one, other]) {
    const [, adminUrl] = await router.waitForLine(/"msg":"router listening".*"adminUrl":"([^"]+)"/);
    await eventually(async () => {
      const { workers } = (await (await fetch(`${adminUrl}/api/fleet`)).json()) as { workers: object[] };
      expect(workers).toMatchObject([
        { runnerId: 'test-runner', instanceId: worker.instanceId, sources: ['asg', 'runner'], state: 'ready' },
      ]);
    });
  }
});
