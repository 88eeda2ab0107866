import path from 'node:path';
import { findFreePort } from '../../runtime/shared/process/free-port.ts';
import { FakeCloud } from '../support/cloud/fake-cloud.ts';
import { type EmfLine, emfValues, readEmfFile } from '../support/emf-file.ts';
import { until } from '../support/poll.ts';
import { startFleetCommand } from '../support/process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const timeScale = '20';
/** Instances of two groups on one engine port: each has an address. */
const addresses = { small: '127.77.0.2', large: '127.77.0.3' } as const;
type Group = keyof typeof addresses;

test('a router of several groups raises the one whose model is asked for, and counts requests under its name', async () => {
  await using resources = new AsyncDisposableStack();
  const cloud = resources.use(await FakeCloud.start());
  const enginePort = await findFreePort(addresses.small);
  for (const name of Object.keys(addresses)) cloud.createGroup({ name, maxSize: 3 });
  const boot = async (group: Group) => {
    const engine = ['sim', '--host', addresses[group], '--port', String(enginePort), '--time-scale', timeScale];
    resources.use(startFleetCommand([...engine, '--served-model-name', `model-${group}`]));
    await cloud.launch({ group, privateIp: addresses[group] });
  };
  const machine = await cloud.launch({ group: null });
  const emfFile = path.join(resources.use(await temporaryDirectory()).path, 'metrics');
  const router = resources.use(
    startFleetCommand(
      [
        ...['router', '--port', '0', '--asg', 'small=model-small', '--asg', 'large=model-large'],
        ...['--engine-port', String(enginePort), '--hold-seconds', '60', '--time-scale', timeScale],
        ...['--publish', 'emf', '--emf-file', emfFile],
      ],
      { env: machine.environment },
    ),
  );
  const [, url] = await router.waitForLine(/"msg":"router listening","url":"([^"]+)"/);
  const ask = async (model: string) => {
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }], max_tokens: 4 }),
    });
    return { status: response.status, body: (await response.json()) as { model?: string; error?: { code: string } } };
  };

  // A group that serves does not answer for another one, nor does a name that no group has.
  await boot('small');
  await until('the small model answers', async () => (await ask('model-small')).status === 200);
  expect(await ask('model-none')).toMatchObject({ status: 404, body: { error: { code: 'UNKNOWN_MODEL' } } });
  const held = ask('model-large');
  await router.waitForLine(/"msg":"worker group raised from zero".*"group":"large"/);
  await boot('large');
  expect(await held).toMatchObject({ status: 200, body: { model: 'model-large' } });

  router.signal('SIGTERM');
  expect((await router.waitForExit()).code).toBe(0);
  const raised = cloud.callsOf('SetDesiredCapacity').map(({ parameters }) => parameters['AutoScalingGroupName']);
  // The small one may have been raised too, by the first requests.
  expect(raised.filter((name) => name === 'large')).toEqual(['large']);
  const lines = readEmfFile(emfFile);
  const of = (group: Group) => lines.filter((line: EmfLine) => line['AutoScalingGroupName'] === group);
  const waits = emfValues(of('large'), 'QueueTime');
  expect(waits).toHaveLength(1);
  expect(waits[0]).toBeGreaterThan(0);
  expect(Math.max(...emfValues(of('large'), 'HeldRequests'))).toBe(1);
  expect(emfValues(of('small'), 'QueueTime').length).toBeGreaterThan(0);
});
