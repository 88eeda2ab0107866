import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { loadFleetConfig } from '../../lib/config/load.ts';
import type { FleetConfig } from '../../lib/config/schema.ts';
import { FleetConfigError, type Mistake } from '../../runtime/shared/config-mistakes.ts';
import { repositoryRoot } from '../support/fleet-templates.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const dev = readFileSync(path.join(repositoryRoot, 'fleets/dev.yaml'), 'utf8');

/** Loads fleets/dev.yaml with texts in it replaced. */
async function load(...changes: [from: string, to: string][]): Promise<FleetConfig> {
  await using folder = await temporaryDirectory();
  const file = path.join(folder.path, 'fleet.yaml');
  const source = changes.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`fleets/dev.yaml does not contain ${from}`);
    return text.replace(from, to);
  }, dev);
  await writeFile(file, source);
  return loadFleetConfig(file);
}

async function mistakesOf(...changes: [from: string, to: string][]): Promise<readonly Mistake[]> {
  const error = await load(...changes).catch((thrown: unknown) => thrown);
  if (!(error instanceof FleetConfigError)) throw error;
  return error.mistakes;
}

test('a worker group inherits the model of the library and overrides it flag by flag', async () => {
  const { workers } = await load(['model: qwen3-0.6b', 'model: qwen3-8b']);
  expect(workers[0]?.model).toEqual({
    path: 'Qwen/Qwen3-8B',
    flags: { 'reasoning-parser': 'qwen3', 'mem-fraction-static': 0.85 },
  });
  expect(workers[0]?.sglang.flags).toEqual({ 'mem-fraction-static': 0.8 });
});

test('a model that is not in the library is taken from Hugging Face by its full name', async () => {
  const { workers } = await load(['model: qwen3-0.6b', 'model: mistralai/Mistral-7B-Instruct-v0.3']);
  expect(workers[0]?.model).toEqual({ path: 'mistralai/Mistral-7B-Instruct-v0.3', flags: {} });
});

test('all mistakes are reported at once, each with its line, path, value and advice', async () => {
  const mistakes = await mistakesOf(
    ['natGateways: 1', 'natGateways: none'],
    ['instanceType: t3.medium', 'instanceType: medium\n  colour: red\n  size: 3'],
    ['    min: 1', '    min: -1'],
    ['model: qwen3-0.6b', 'model: qwen9'],
    ['retentionDays: 14', 'retentionDays: 15'],
  );
  expect(mistakes.map(({ path, value }) => [path, value])).toEqual([
    ['network.natGateways', 'none'],
    ['router.instanceType', 'medium'],
    ['router.colour', 'red'],
    ['router.size', 3],
    ['workers[0].model', 'qwen9'],
    ['workers[0].min', -1],
    ['logs.retentionDays', 15],
  ]);
  expect(mistakes.every((mistake) => mistake.line !== undefined && mistake.advice !== '')).toBe(true);
});

test('the message reads as a list of corrections', async () => {
  const error = await load(['region: us-east-1', 'region: us-east-1\naccount: 123456789012']).catch(String);
  expect(error).toMatch(
    /fleet\.yaml has 1 mistake:\n {2}line 4, account is 123456789012: put the account number in quotes$/,
  );
});

test.each<[string, [string, string], RegExp]>([
  ['a field that is missing', ['    volumeGiB: 150\n', ''], /^required: expected number$/],
  ['a misspelt field', ['volumeGiB: 20', 'volumeGB: 20'], /fields here are instanceType, image, volumeGiB/],
  ['a zone of another region', ['us-east-1b]', 'us-west-2b]'], /in the region of the fleet/],
  ['more NAT gateways than zones', ['natGateways: 1', 'natGateways: 3'], /at most one per availability zone/],
  ['a minimum above the maximum', ['    min: 1', '    min: 3'], /must not exceed max/],
  ['a router that is open to the internet', ['Networks: []', 'Networks: [0.0.0.0/0]'], /not the whole internet/],
  ['both kinds of image', ['  image:\n', '  image:\n    id: ami-0123456789abcdef0\n'], /either id or ssmParameter/],
  ['a flag that the runner sets', ['mem-fraction-static: 0.8', 'port: 1'], /the runner sets this flag itself/],
  ['a flag with its dashes', ['mem-fraction-static: 0.8', '--dp: 1'], /without leading dashes/],
  ['a floating SGLang version', ['version: 0.5.23', 'version: latest'], /pin one SGLang release/],
  ['a model that nobody knows', ['model: qwen3-0.6b', 'model: qwen'], /models\/ has qwen3-0\.6b, qwen3-8b/],
  ['an agent without a program', ['tags:', 'agents: [{name: x}]\ntags:'], /either script or command/],
  [
    'an agent that takes the name of the built-in one',
    ['tags:', 'agents: [{name: chat, command: [x]}]\ntags:'],
    /built-in/,
  ],
  [
    'an agent that sets what the runner sets',
    ['tags:', 'agents: [{name: x, command: [y], env: {OPENAI_API_KEY: z}}]\ntags:'],
    /sets this variable/,
  ],
  ['YAML that does not parse', ['tags:', 'tags: ['], /./],
])('%s is refused with advice', async (_mistake, change, advice) => {
  const mistakes = await mistakesOf(change);
  expect(mistakes.map((mistake) => mistake.advice).join('\n')).toMatch(advice);
});

test('a file that does not exist is a mistake, not a crash', () => {
  expect(() => loadFleetConfig('fleets/none.yaml')).toThrow(/fleets\/none\.yaml has 1 mistake:\n.*-c config=FILE/);
});
