import { randomInt } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { AwsEndpoints } from '../../support/assembly/aws-endpoints.ts';
import { MachineFolder } from '../../support/assembly/machine-folder.ts';
import { makeSecrets } from '../../support/assembly/made-secrets.ts';
import { readAssembly } from '../../support/assembly/read-assembly.ts';
import { machinesOf, type ShippedMachine } from '../../support/assembly/shipped-machine.ts';
import { synthesize } from '../../support/assembly/synthesize.ts';
import { FakeCloud } from '../../support/cloud/fake-cloud.ts';
import { devConfig } from '../../support/fleet-templates.ts';
import { until } from '../../support/poll.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const dev = devConfig();
const workerGroup = `${dev.name}-workers-${dev.workers[0]!.name}`;
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

  await using cloud = await FakeCloud.start();
  cloud.createGroup({ name: `${dev.name}-router`, minSize: 1, desiredCapacity: 1 });
  cloud.createGroup({
    name: workerGroup,
    desiredCapacity: 1,
    hooks: [{ name: 'fleet-launch', transition: 'launching' }],
  });
  await using endpoints = await AwsEndpoints.start(makeSecrets(stacks));
  const machine = async (part: string, group: string, host: number) => {
    const root = path.join(folder.path, part);
    mkdirSync(root);
    const address = addressOf(host);
    const instance = await cloud.launch({ group, privateIp: address });
    return new MachineFolder(shipped(part), { root, instance, address, environment: endpoints.environment });
  };
  await using router = await machine('router', `${dev.name}-router`, 1);
  await using worker = await machine(`workers-${dev.workers[0]!.name}`, workerGroup, 2);
  await Promise.all([router.boot(), worker.boot()]);
  await Promise.all([router.startUnits(), worker.startUnits()]);

  const answer = await until(
    'a completion came through the router',
    () => {
      if (router.hasFailed || worker.hasFailed) throw new Error('A daemon has ended.');
      return ask(`http://${addressOf(1)}:8000`).catch(() => undefined);
    },
    90_000,
  ).catch((error: Error) => {
    throw new Error(`${error.message}\nRouter:\n${router.output}\nWorker:\n${worker.output}`);
  });
  expect(answer.worker).toContain(addressOf(2));
  expect(answer.text.length).toBeGreaterThan(0);
  expect(cloud.callsOf('DescribeAutoScalingGroups').length).toBeGreaterThan(0);
}, 240_000);

/** One short completion, or undefined while there is none. */
async function ask(router: string): Promise<{ worker: string; text: string } | undefined> {
  const response = await fetch(`${router}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
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
