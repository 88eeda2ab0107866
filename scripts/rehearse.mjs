// `npm run rehearse -- [FLEET...]`: plays deployments through without an AWS account. Starts a local stand-in of AWS
// (moto, from PyPI), and with the real CDK command line bootstraps it, deploys all stacks of each fleet of fleets/ (or of
// those named), sees that `cdk diff` finds nothing, changes one line of the fleet file, sees that `cdk diff` finds that and
// nothing else, destroys all stacks, and sees that nothing is left but what the templates keep. Needs Python 3.10 or newer
// with venv. What the stand-in takes without looking (see docs/install.md) this does not prove; the tests assert it on the
// templates.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseDocument } from 'yaml';
import { capture, run, say } from './stand-in/commands.mjs';
import { StandIn } from './stand-in/stand-in.mjs';

const account = '123456789012';
// Any id: the stand-in has no parameters of AWS's images and starts no machine.
const image = { id: 'ami-0123456789abcdef0' };

const root = path.dirname(import.meta.dirname);
const cache = path.join(root, '.cache/stand-in');
const cdkProgram = path.join(root, 'node_modules/.bin/cdk');
let standIn;

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => end().then(() => process.exit(1)));
try {
  await main(process.argv.slice(2));
} catch (error) {
  say(`FAILED: ${error.message}`);
  process.exitCode = 1;
} finally {
  await end();
}

async function end() {
  await standIn?.close();
}

async function main(named) {
  const all = readdirSync(path.join(root, 'fleets')).flatMap((file) => /^(.+)\.yaml$/.exec(file)?.[1] ?? []);
  const fleets = named.length === 0 ? all : named;
  mkdirSync(cache, { recursive: true });
  standIn = await StandIn.start(cache);
  Object.assign(process.env, {
    PATH: `${path.join(root, 'node_modules/.bin')}:${process.env.PATH}`,
    AWS_ENDPOINT_URL: standIn.url,
    AWS_ACCESS_KEY_ID: 'stand-in',
    AWS_SECRET_ACCESS_KEY: 'stand-in',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  });
  const bootstrapped = new Set();
  for (const fleet of fleets) await rehearse(fleet, bootstrapped);
  say(`Taken by the stand-in without a look: ${standIn.skippedTypes().join(', ')}`);
  say(`Done: ${fleets.join(', ')} deploy, change in what was changed only, and go.`);
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
  // AWS, and the stand-in, refuse to destroy a database with this protection; who means to ends it first.
  if (document.getIn(['routers', 'store', 'kind']) === 'aurora') {
    document.setIn(['routers', 'store', 'deletionProtection'], false);
  }
  const file = path.join(cache, `${fleet}.yaml`);
  const output = path.join(cache, `${fleet}.out`);
  const save = () => writeFileSync(file, document.toString());
  save();
  const words = ['-c', `config=${file}`, '--no-notices', '--output', output];
  if (!bootstrapped.has(region)) {
    await run(cdkProgram, ['bootstrap', `aws://${account}/${region}`, '--no-notices'], { cwd: cache });
    bootstrapped.add(region);
  }
  // Direct, because moto forgets the exports of a stack that a change set made.
  const atOnce = ['--require-approval=never', '--method=direct', '--progress=events'];
  await run(cdkProgram, ['deploy', '--all', ...words, ...atOnce], { cwd: root });
  await run(cdkProgram, ['diff', ...words, '--fail', '--method=template'], { cwd: root });

  say('Changing one line: routers.sessionIdleMinutes');
  document.setIn(['routers', 'sessionIdleMinutes'], 61);
  save();
  const diff = await capture(cdkProgram, ['diff', ...words, '--fail', '--method=template'], { cwd: root });
  const changed = changedResources(diff.output);
  console.log(changed.map(({ stack, resource }) => `${stack}: ${resource}`).join('\n'));
  if (diff.code !== 1) throw new Error(`cdk diff --fail ended with ${diff.code} after a change:\n${diff.output}`);
  const strangers = changed.filter(({ stack }) => stack !== `${name}-router`);
  if (changed.length === 0 || strangers.length > 0) throw new Error(`More than the routers changed:\n${diff.output}`);

  const before = await standIn.look();
  const made = before.resources.filter(({ stack, isThere }) => isFleets(stack) && isThere);
  // Not from the fleet file, and so without another synthesis: what was deployed goes.
  await run(cdkProgram, ['destroy', '--all', '--force', '--app', output, '--no-notices'], { cwd: cache });
  checkLeft(await standIn.look(), keptBy(output), isFleets);
  say(`${fleet}: ${made.length} resources and ${before.machines.length} machines were there and went, or are kept`);
  say(`${fleet}: ${Math.round((performance.now() - startedAt) / 1_000)} s`);

  function isFleets(stack) {
    return stack.startsWith(`${name}-`);
  }
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

/** What templates keep when their stack goes, as `STACK/ID`. */
function keptBy(output) {
  const templates = readdirSync(output).filter((file) => file.endsWith('.template.json'));
  return new Set(
    templates.flatMap((file) => {
      const { Resources } = JSON.parse(readFileSync(path.join(output, file), 'utf8'));
      const kept = Object.keys(Resources).filter((id) => Resources[id].DeletionPolicy === 'Retain');
      return kept.map((id) => `${file.replace('.template.json', '')}/${id}`);
    }),
  );
}

/** @throws when something of a fleet that was destroyed is there and should not be, or is not and should be */
function checkLeft({ resources, machines }, kept, isFleets) {
  const left = resources.filter(({ stack, isThere }) => isFleets(stack) && isThere);
  for (const { stack, id, type } of left) console.log(`kept: ${stack} ${type} ${id}`);
  const strangers = left.filter(({ stack, id }) => !kept.has(`${stack}/${id}`));
  const names = strangers.map(({ stack, id, type }) => `${stack}/${id} (${type})`);
  if (names.length > 0) throw new Error(`Destroyed, and yet there: ${names.join(', ')}`);
  if (machines.length > 0) throw new Error(`Destroyed, and yet machines run: ${machines.join(', ')}`);
  const lost = [...kept].filter((name) => !left.some(({ stack, id }) => `${stack}/${id}` === name));
  if (lost.length > 0) throw new Error(`To be kept, and yet gone: ${lost.join(', ')}`);
}
