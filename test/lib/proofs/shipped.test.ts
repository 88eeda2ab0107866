import { randomInt } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { terminateHook } from '../../../lib/names.ts';
import { AwsEndpoints } from '../../support/assembly/aws-endpoints.ts';
import { MachineFolder } from '../../support/assembly/machine-folder.ts';
import { makeSecrets } from '../../support/assembly/made-secrets.ts';
import { readAssembly } from '../../support/assembly/read-assembly.ts';
import { hooksOf } from '../../support/assembly/shipped-hooks.ts';
import { machinesOf, type ShippedMachine } from '../../support/assembly/shipped-machine.ts';
import { synthesize } from '../../support/assembly/synthesize.ts';
import { FakeCloud } from '../../support/cloud/fake-cloud.ts';
import { devConfig } from '../../support/fleet-templates.ts';
import { until } from '../../support/poll.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const dev = devConfig();
const workerPart = `workers-${dev.workers[0]!.name}`;
const routerGroup = `${dev.name}-router`;
const workerGroup = `${dev.name}-${workerPart}`;
const place = { region: dev.region, account: '123456789012' };

/** Machines have fixed ports, so each has a loopback address that is its own; elsewhere than on Linux there is only one. */
const network = `127.${randomInt(1, 255)}.${randomInt(1, 255)}`;
const addressOf = (host: number) => (process.platform === 'linux' ? `${network}.${host}` : '127.0.0.1');

test('what the templates ship is what runs: a completion through a router and a worker as they boot', async () => {
  await using folder = await temporaryDirectory();
  const output = path.join(folder.path, 'assembly');
  await synthesize({ config: 'fleets/dev.yaml', output });
  const stacks = readAssembly(output);
  const machines = stacks.flatMap((stack) => machinesOf(stack, place));
  const shipped = (part: string): ShippedMachine => machines.find(({ stack }) => stack === `${dev.name}-${part}`)!;

  const secrets = makeSecrets(stacks);
  const { key } = JSON.parse(secrets[`sglang-fleet/${dev.name}/api-keys`]!) as { key: string };

  await using cloud = await FakeCloud.start();
  for (const [name, part] of [
    [routerGroup, 'router'],
    [workerGroup, workerPart],
  ]) {
    const hooks = hooksOf(stacks.find((stack) => stack.name === `${dev.name}-${part}`)!);
    cloud.createGroup({ name, hooks, desiredCapacity: 1 });
  }
  await using endpoints = await AwsEndpoints.start(secrets);
  const machine = async (part: string, group: string, host: number) => {
    const root = path.join(folder.path, part);
    mkdirSync(root);
    const address = addressOf(host);
    const instance = await cloud.launch({ group, privateIp: address });
    return new MachineFolder(shipped(part), { root, instance, address, environment: endpoints.environment });
  };
  await using router = await machine('router', routerGroup, 1);
  await using worker = await machine(workerPart, workerGroup, 2);
  await Promise.all([router.boot(), worker.boot()]);
  await worker.startUnits();
  // The worker tells its group that it serves, by the name that the template gives the hook. Only then the group counts it as
  // one of its machines: a router that starts before sees it at its next look, 15 s later.
  const launched = await cloud.hookCompleted(worker.instance);
  expect(launched).toMatchObject({ result: 'CONTINUE', by: 'call' });
  await router.startUnits();

  const answer = await until(
    'a completion came through the router',
    () => {
      if (router.hasFailed || worker.hasFailed) throw new Error('A daemon has ended.');
      return ask(`http://${addressOf(1)}:8000`, key).catch(() => undefined);
    },
    90_000,
  ).catch((error: Error) => {
    throw new Error(`${error.message}\nRouter:\n${router.output}\nWorker:\n${worker.output}`);
  });
  expect(answer.worker).toContain(addressOf(2));
  expect(answer.text.length).toBeGreaterThan(0);
  expect(cloud.callsOf('DescribeAutoScalingGroups').length).toBeGreaterThan(0);
  // Sessions need the runner itself, which has heard from the router where it is.
  await until('the runner has registered', async () => {
    const { workers } = (await (await fetch(`http://${addressOf(1)}:8001/api/fleet`)).json()) as {
      workers: { runnerId: string | null }[];
    };
    return workers.some(({ runnerId }) => runnerId !== null);
  });

  // When the group takes the worker away, it hears of that from its machine, drains, and lets the group go on.
  cloud.terminate(worker.instance);
  const left = await cloud.hookCompleted(worker.instance, terminateHook);
  expect(left).toMatchObject({ result: 'CONTINUE', by: 'call' });
  await cloud.stateReached(worker.instance, 'Terminated');
}, 240_000);

/** One short completion, or undefined while there is none. */
async function ask(router: string, key: string): Promise<{ worker: string; text: string } | undefined> {
  const response = await fetch(`${router}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({
      model: dev.workers[0]!.model.path,
      messages: [{ role: 'user', content: 'Hello' }],
      max_tokens: 8,
    }),
  });
  if (response.status !== 200) return undefined;
  const { choices } = (await response.json()) as { choices: [{ message: { content: string } }] };
  return { worker: response.headers.get('x-fleet-worker') ?? '', text: choices[0].message.content };
}
