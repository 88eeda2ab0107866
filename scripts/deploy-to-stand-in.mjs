// Plays a deployment through without an AWS account: starts a local stand-in of AWS (moto, from PyPI), deploys the dev
// fleet to it with the real CDK command line, and lets the real router find the group's instances there.
// Needs Python 3.10 or newer with venv. What a stand-in skips silently (see docs/install.md) this does not prove.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  AutoScalingClient,
  DescribeAutoScalingGroupsCommand,
  SetDesiredCapacityCommand,
} from '@aws-sdk/client-auto-scaling';
import { DescribeImagesCommand, EC2Client } from '@aws-sdk/client-ec2';
import { parse, stringify } from 'yaml';

const motoVersion = '5.2.5';
const motoExtras = 'server,autoscaling,cloudformation,cloudwatch,ec2,iam,logs,s3,ssm,sts';
const account = '123456789012';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const cache = path.join(root, '.cache/stand-in');
const bin = path.join(root, 'node_modules/.bin');
const running = [];

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => endAll().then(() => process.exit(1)));
try {
  await main();
} catch (error) {
  say(`FAILED: ${error.message}`);
  process.exitCode = 1;
} finally {
  await endAll();
}

async function main() {
  const fleet = parse(readFileSync(path.join(root, 'fleets/dev.yaml'), 'utf8'));
  const python = await installMoto();
  const port = await freePort();
  const environment = {
    ...process.env,
    PATH: `${bin}:${process.env.PATH}`,
    // The CDK treats this name specially; 127.0.0.1 does not work.
    AWS_ENDPOINT_URL: `http://localhost:${port}`,
    AWS_REGION: fleet.region,
    AWS_ACCESS_KEY_ID: 'stand-in',
    AWS_SECRET_ACCESS_KEY: 'stand-in',
    AWS_EC2_METADATA_DISABLED: 'true',
  };
  Object.assign(process.env, environment);

  say(`Starting moto ${motoVersion} on port ${port}`);
  start(python, ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)], 'moto.log');
  await until('the stand-in answers', () => fetch(`${process.env.AWS_ENDPOINT_URL}/moto-api/`).then(({ ok }) => ok));

  const ec2 = new EC2Client({});
  const autoScaling = new AutoScalingClient({});
  const config = await configWithKnownImages(fleet, ec2);
  const workerGroup = `${fleet.name}-workers-${fleet.workers[0].name}`;
  const cdk = (...words) => run(path.join(bin, 'cdk'), [...words, '-c', `config=${config}`, '--no-notices']);
  await cdk('bootstrap', `aws://${account}/${fleet.region}`);
  // Direct, because moto forgets the exports of a stack that a change set made.
  await cdk('deploy', '--all', '--require-approval=never', '--method=direct', '--progress=events');
  await cdk('diff', '--fail', '--method=template');

  say(`Instances of ${workerGroup}`);
  console.log((await instancesOf(autoScaling, workerGroup)).join('\n'));

  const routerPort = await freePort();
  say(`Starting the router on port ${routerPort}`);
  const routerOptions = ['--port', String(routerPort), '--asg', workerGroup, '--time-scale', '10'];
  start(path.join(bin, 'node'), ['runtime/router/main.ts', ...routerOptions], 'router.log');
  await untilRouterListsGroup(routerPort, autoScaling, workerGroup);

  say('Setting the desired capacity to 2');
  await autoScaling.send(new SetDesiredCapacityCommand({ AutoScalingGroupName: workerGroup, DesiredCapacity: 2 }));
  await untilRouterListsGroup(routerPort, autoScaling, workerGroup);
  say('Done: the fleet deploys, a second deployment would change nothing, and the router follows the group.');
}

/** A virtual environment outside of what git tracks, made once. */
async function installMoto() {
  const python = path.join(cache, `moto-${motoVersion}/bin/python`);
  if (!existsSync(python)) {
    say('Installing moto from PyPI (about a minute the first time)');
    mkdirSync(cache, { recursive: true });
    await run('python3', ['-m', 'venv', path.dirname(path.dirname(python))]);
    await run(python, ['-m', 'pip', 'install', '--quiet', `moto[${motoExtras}]==${motoVersion}`]);
  }
  return python;
}

/** The dev fleet with images that the stand-in has: it lacks the parameters of the deep learning images. */
async function configWithKnownImages(fleet, ec2) {
  const { Images } = await ec2.send(new DescribeImagesCommand({ Owners: ['amazon'] }));
  const image = { id: Images[0].ImageId };
  const changed = {
    ...fleet,
    router: { ...fleet.router, image },
    workers: fleet.workers.map((group) => ({ ...group, image })),
  };
  const file = path.join(cache, 'fleet.yaml');
  writeFileSync(file, stringify(changed));
  return file;
}

async function instancesOf(autoScaling, group) {
  const answer = await autoScaling.send(new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [group] }));
  return answer.AutoScalingGroups.flatMap(({ Instances }) => Instances ?? [])
    .map(({ InstanceId }) => InstanceId)
    .sort();
}

async function untilRouterListsGroup(port, autoScaling, group) {
  const url = `http://127.0.0.1:${port}/api/fleet`;
  const wanted = await instancesOf(autoScaling, group);
  const isListed = ({ workers }) => String(workers.map((worker) => worker.instanceId).sort()) === String(wanted);
  const read = () => fetch(url).then((response) => response.json());
  await until(`GET /api/fleet lists ${wanted.join(', ')}`, async () => isListed(await read()));
  for (const { instanceId, url: engine, state, sources } of (await read()).workers) {
    console.log(`${instanceId}  ${engine}  ${state}  from ${sources}`);
  }
}

function say(text) {
  console.log(`\n== ${text}`);
}

/** Runs a command to its end. @throws when it fails */
async function run(file, args) {
  say([path.basename(file), ...args].join(' '));
  const child = spawn(file, args, { cwd: root, stdio: 'inherit' });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${path.basename(file)} ${args[0]} ended with ${code}`);
}

/** Starts a process that `end` ends; its output goes to a file beside the others. */
function start(file, args, logName) {
  const log = path.join(cache, logName);
  const child = spawn(file, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  writeFileSync(log, '');
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (bytes) => writeFileSync(log, bytes, { flag: 'a' }));
  child.once('exit', (code) => child.isEnding || say(`${path.basename(file)} ended with ${code}; see ${log}`));
  running.push(child);
}

async function endAll() {
  for (const child of running.splice(0).reverse()) await end(child);
}

async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.isEnding = true;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await exit;
  clearTimeout(timer);
}

/** Polls until `check` gives true. @throws after a minute */
async function until(what, check) {
  const deadline = Date.now() + 60_000;
  for (;;) {
    if (await check().catch(() => false)) return console.log(`ok: ${what}`);
    if (Date.now() > deadline) throw new Error(`gave up waiting: ${what}`);
    await delay(250);
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
