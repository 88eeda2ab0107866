// `npm run rehearse -- [FLEET...]`: plays deployments through without an AWS account. Starts a local stand-in of AWS
// (moto, from PyPI), and with the real CDK command line bootstraps it, deploys each fleet of fleets/ (or those named),
// sees that `cdk diff` finds nothing, changes one line of the fleet file, and sees that `cdk diff` finds that and nothing
// else. Needs Python 3.10 or newer with venv.
// What the stand-in takes without looking (see docs/install.md) this does not prove; the tests assert it on the templates.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseDocument } from 'yaml';

const motoVersion = '5.2.5';
const motoExtras = 'server,autoscaling,cloudformation,cloudwatch,ec2,elbv2,iam,logs,rds,s3,secretsmanager,sns,ssm,sts';
const account = '123456789012';
// Any id: the stand-in has no parameters of AWS's images and starts no machine.
const image = { id: 'ami-0123456789abcdef0' };

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const cache = path.join(root, '.cache/stand-in');
const cdkProgram = path.join(root, 'node_modules/.bin/cdk');
const running = [];

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => endAll().then(() => process.exit(1)));
try {
  await main(process.argv.slice(2));
} catch (error) {
  say(`FAILED: ${error.message}`);
  process.exitCode = 1;
} finally {
  await endAll();
}

async function main(named) {
  const all = readdirSync(path.join(root, 'fleets')).flatMap((file) => /^(.+)\.yaml$/.exec(file)?.[1] ?? []);
  const fleets = named.length === 0 ? all : named;
  const python = await installStandIn();
  const port = await freePort();
  Object.assign(process.env, {
    PATH: `${path.join(root, 'node_modules/.bin')}:${process.env.PATH}`,
    // The CDK treats this name specially; 127.0.0.1 does not work.
    AWS_ENDPOINT_URL: `http://localhost:${port}`,
    AWS_ACCESS_KEY_ID: 'stand-in',
    AWS_SECRET_ACCESS_KEY: 'stand-in',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  });
  say(`Starting moto ${motoVersion} on port ${port}`);
  start(python, ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)], 'moto.log');
  await until('the stand-in answers', () => fetch(`${process.env.AWS_ENDPOINT_URL}/moto-api/`).then(({ ok }) => ok));
  const bootstrapped = new Set();
  for (const fleet of fleets) await rehearse(fleet, bootstrapped);
  say(`Done: ${fleets.join(', ')} deploy, and change in what was changed only.`);
}

async function rehearse(fleet, bootstrapped) {
  const startedAt = performance.now();
  const document = parseDocument(readFileSync(path.join(root, `fleets/${fleet}.yaml`), 'utf8'));
  const [region, name] = [document.get('region'), document.get('name')];
  process.env.AWS_REGION = region;
  document.setIn(['routers', 'image'], document.createNode(image));
  for (const index of document.get('workers').items.keys()) {
    document.setIn(['workers', index, 'image'], document.createNode(image));
  }
  const file = path.join(cache, `${fleet}.yaml`);
  const save = () => writeFileSync(file, document.toString());
  save();
  const output = ['--output', path.join(cache, `${fleet}.out`)];
  const cdk = (...words) => run(cdkProgram, [...words, '-c', `config=${file}`, '--no-notices', ...output]);

  // moto cannot make SSM documents that have tags; the operations stack, where they are, is tested as a template alone.
  const workers = document.get('workers').items.map((group) => `workers-${group.get('name')}`);
  const stacks = ['network', 'state', 'router', ...workers].map((part) => `${name}-${part}`);

  if (!bootstrapped.has(region)) await cdk('bootstrap', `aws://${account}/${region}`);
  bootstrapped.add(region);
  // Direct, because moto forgets the exports of a stack that a change set made.
  await cdk('deploy', ...stacks, '--require-approval=never', '--method=direct', '--progress=events');
  await cdk('diff', ...stacks, '--fail', '--method=template');

  say('Changing one line: routers.drainSeconds');
  document.setIn(['routers', 'drainSeconds'], 599);
  save();
  const { code, output: differences } = await capture(cdkProgram, [
    'diff',
    '--all',
    '--fail',
    '-c',
    `config=${file}`,
    ...output,
  ]);
  const changed = changedResources(differences);
  console.log(changed.map(({ stack, resource }) => `${stack}: ${resource}`).join('\n'));
  if (code !== 1) throw new Error(`cdk diff --fail ended with ${code} after a change:\n${differences}`);
  const strangers = changed.filter(({ stack }) => stack !== `${name}-router`);
  if (changed.length === 0 || strangers.length > 0) throw new Error(`More than the routers changed:\n${differences}`);

  // Back to an empty account: moto cannot delete a VPC that had machines, so `cdk destroy` is not part of this.
  const reset = await fetch(`${process.env.AWS_ENDPOINT_URL}/moto-api/reset`, { method: 'POST' });
  if (!reset.ok) throw new Error(`The stand-in could not be reset: ${reset.status}`);
  bootstrapped.clear();
  say(`${fleet}: ${Math.round((performance.now() - startedAt) / 1_000)} s`);
}

/** Resources that a diff names, by stack. */
function changedResources(differences) {
  let stack = '';
  return differences.split('\n').flatMap((line) => {
    stack = /^Stack (\S+)/.exec(line)?.[1] ?? stack;
    const resource = /^\[[~+-]\] (AWS::\S+ \S+)/.exec(line)?.[1];
    return resource === undefined ? [] : [{ stack, resource }];
  });
}

/** A virtual environment outside of what git tracks, made once. @returns its Python */
async function installStandIn() {
  const folder = path.join(cache, `moto-${motoVersion}`);
  const python = path.join(folder, 'bin/python');
  const mark = path.join(folder, 'complete');
  if (!existsSync(mark)) {
    say('Installing moto from PyPI (about a minute the first time)');
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(cache, { recursive: true });
    await run('python3', ['-m', 'venv', folder]);
    await run(python, ['-m', 'pip', 'install', '--quiet', `moto[${motoExtras}]==${motoVersion}`]);
    writeFileSync(mark, '');
  }
  return python;
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

async function capture(file, args) {
  const child = spawn(file, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1' },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (output += bytes));
  const [code] = await once(child, 'close');
  return { code, output };
}

/** Starts a process that `endAll` ends; its output goes to a file beside the others. */
function start(file, args, logName) {
  const log = path.join(cache, logName);
  const child = spawn(file, args, { cwd: cache, stdio: ['ignore', 'pipe', 'pipe'] });
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
