import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type LoadedFleet, loadFleetConfig, readFleet } from '../../lib/config/load.ts';
import { FleetConfigError, type Mistake } from '../../runtime/shared/config-mistakes.ts';
import { fleetFiles } from '../support/fleet-file.ts';
import { fleetTemplates, repositoryRoot } from '../support/fleet-templates.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const dev = readFileSync(path.join(repositoryRoot, 'fleets/dev.yaml'), 'utf8');

/** Loads a file of this text. */
async function loadText(text: string): Promise<LoadedFleet> {
  await using folder = await temporaryDirectory();
  const file = path.join(folder.path, 'fleet.yaml');
  await writeFile(file, text);
  return readFleet(file);
}

/** Loads fleets/dev.yaml with texts in it replaced. */
function load(...changes: [from: string, to: string][]): Promise<LoadedFleet> {
  return loadText(
    changes.reduce((text, [from, to]) => {
      if (!text.includes(from)) throw new Error(`fleets/dev.yaml does not contain ${from}`);
      return text.replace(from, to);
    }, dev),
  );
}

async function mistakesOf(...changes: [from: string, to: string][]): Promise<readonly Mistake[]> {
  const error = await load(...changes).catch((thrown: unknown) => thrown);
  if (!(error instanceof FleetConfigError)) throw error;
  return error.mistakes;
}

describe.each(fleetFiles)('fleets/%s.yaml', (name) => {
  const file = path.join(repositoryRoot, `fleets/${name}.yaml`);

  test('has no mistakes and no warnings, and makes its stacks without an account', () => {
    const { config, warnings } = readFleet(file);
    expect(warnings).toEqual([]);
    expect(Object.keys(fleetTemplates(config))).toContain('router');
  });

  test('tells editors its schema', () => {
    expect(readFileSync(file, 'utf8')).toMatch(/^# yaml-language-server: \$schema=fleet\.schema\.json\n/);
  });
});

test('a worker group inherits the model of the library, its machines too, and overrides it flag by flag', async () => {
  const { config } = await load(
    ['model: qwen3-0.6b', 'model: qwen3-8b'],
    ['    instanceTypes: [g6.xlarge, g5.xlarge]\n', ''],
    ['mem-fraction-static: 0.8', 'mem-fraction-static: 0.9'],
  );
  const [group] = config.workers;
  expect(group?.model).toMatchObject({
    path: 'Qwen/Qwen3-8B',
    weightsGiB: 15.3,
    flags: { 'reasoning-parser': 'qwen3' },
  });
  expect(group?.instanceTypes).toEqual(['g6.xlarge', 'g5.xlarge', 'g6e.xlarge']);
  expect(group?.sglang.flags).toEqual({ 'mem-fraction-static': 0.9 });
});

test('a worker group overrides the model of the library field by field', async () => {
  const { config } = await load([
    'model: qwen3-0.6b',
    'model: qwen3-0.6b\n    modelOverrides: { path: /opt/models/qwen }',
  ]);
  expect(config.workers[0]?.model).toMatchObject({
    path: '/opt/models/qwen',
    quantization: 'none',
    contextTokens: 40_960,
  });
});

test('a model that is not in the library is taken by its full name, with all GPUs of its machines', async () => {
  const { config, warnings } = await load(
    ['model: qwen3-0.6b', 'model: mistralai/Mixtral-8x7B-Instruct-v0.1'],
    ['[g6.xlarge, g5.xlarge]', '[g6e.12xlarge]'],
  );
  expect(config.workers[0]?.model).toEqual({
    path: 'mistralai/Mixtral-8x7B-Instruct-v0.1',
    flags: {},
    tensorParallel: 4,
  });
  expect(warnings[0]?.mistakes.map(({ advice }) => advice)).toEqual([expect.stringMatching(/^nothing is known of/)]);
});

test('all mistakes of the shape are reported at once, each with its line, path, value and advice', async () => {
  const mistakes = await mistakesOf(
    ['natGateways: 1', 'natGateways: none'],
    ['instanceType: t3.small', 'instanceType: small\n  colour: red\n  size: 3'],
    ['    min: 0', '    min: -1'],
    ['model: qwen3-0.6b', 'model: qwen9'],
    ['retentionDays: 14', 'retentionDays: 15'],
  );
  expect(mistakes.map(({ path: where, value }) => [where, value])).toEqual([
    ['network.natGateways', 'none'],
    ['routers.instanceType', 'small'],
    ['routers.colour', 'red'],
    ['routers.size', 3],
    ['workers[0].model', 'qwen9'],
    ['workers[0].min', -1],
    ['logs.retentionDays', 15],
  ]);
  expect(mistakes.every((mistake) => mistake.line !== undefined && mistake.advice !== '')).toBe(true);
});

test('all mistakes of what the file says together are reported at once, in a file of the right shape', async () => {
  const mistakes = await mistakesOf(
    ['us-east-1b]', 'us-west-2b]'],
    ['natGateways: 1', 'natGateways: 3'],
    ['[g6.xlarge, g5.xlarge]', '[g6.xlarge, g6.12xlarge]'],
    ['maxSandboxes: 8', 'maxSandboxes: 100'],
  );
  expect(mistakes.map(({ path: where, line }) => [where, line])).toEqual([
    ['network.availabilityZones[1]', 7],
    ['network.natGateways', 9],
    ['workers[0].instanceTypes', 27],
    ['workers[0].maxSandboxes', 34],
  ]);
});

test('what a group inherits is reported where it says so', async () => {
  const mistakes = await mistakesOf(
    ['model: qwen3-0.6b', 'model: llama-3.1-8b'],
    ['    instanceTypes: [g6.xlarge, g5.xlarge]\n', ''],
  );
  // Line 25 is where the group begins.
  expect(mistakes).toContainEqual({
    line: 25,
    path: 'workers[0].weights.tokenSecretArn',
    value: undefined,
    advice: expect.stringMatching(/^required: Hugging Face gives/),
  });
});

test('the message reads as a list of corrections', async () => {
  const error = await load(['region: us-east-1', 'region: us-east-1\naccount: 123456789012']).catch(String);
  expect(error).toMatch(
    /fleet\.yaml has 1 mistake:\n {2}line 5, account is 123456789012: put the account number in quotes$/,
  );
});

test('mistakes of several files are listed file by file', () => {
  const mistake = { line: 3, path: 'min', value: 9, advice: 'less' };
  const error = new FleetConfigError(
    { file: 'a.yaml', mistakes: [mistake, mistake] },
    { file: 'b.yaml', mistakes: [mistake] },
  );
  expect(error.message).toBe(
    [
      'a.yaml has 2 mistakes:',
      '  line 3, min is 9: less',
      '  line 3, min is 9: less',
      'b.yaml has 1 mistake:',
      '  line 3, min is 9: less',
    ].join('\n'),
  );
  expect(error.mistakes).toHaveLength(3);
});

test.each<[string, [string, string], RegExp]>([
  ['a field that is missing', ['    volumeGiB: 150\n', ''], /^required: expected number$/],
  ['a misspelt field', ['volumeGiB: 20', 'volumeGB: 20'], /fields here are count, instanceType, image, volumeGiB/],
  ['a minimum above the maximum', ['    min: 0', '    min: 3'], /must not exceed max/],
  ['a router that is open to the internet', ['Networks: []', 'Networks: [0.0.0.0/0]'], /the whole internet/],
  ['both kinds of image', ['  image:\n', '  image:\n    id: ami-0123456789abcdef0\n'], /either id or ssmParameter/],
  [
    'a worker with two images',
    ['    image:\n', '    image:\n      id: ami-0123456789abcdef0\n'],
    /one of id, ssmParameter and build/,
  ],
  [
    'a tag that machines could not be told',
    ['  project: sglang-fleet', '  cost centre: x'],
    /without spaces and slashes/,
  ],
  ['a flag that the runner sets', ['mem-fraction-static: 0.8', 'port: 1'], /the runner sets this flag itself/],
  ['a flag that has a field', ['mem-fraction-static: 0.8', 'tp: 2'], /write tensorParallel instead/],
  ['a flag with its dashes', ['mem-fraction-static: 0.8', '--dp: 1'], /without leading dashes/],
  ['a floating SGLang version', ['version: 0.5.23', 'version: latest'], /pin one SGLang release/],
  ['a model that nobody knows', ['model: qwen3-0.6b', 'model: qwen'], /models\/ has deepseek-r1, .*qwen3-8b/],
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
  ['YAML that does not parse', ['tags:', 'tags: ['], /^Flow sequence in block collection must be.*brackets$|^.+[^:]$/],
])('%s is refused with advice', async (_mistake, change, advice) => {
  const mistakes = await mistakesOf(change);
  expect(mistakes.map((mistake) => mistake.advice).join('\n')).toMatch(advice);
});

test('a model without machines is refused, when the library does not know it', async () => {
  const mistakes = await mistakesOf(
    ['model: qwen3-0.6b', 'model: Qwen/Qwen3-4B'],
    ['    instanceTypes: [g6.xlarge, g5.xlarge]\n', ''],
  );
  expect(mistakes).toMatchObject([
    { path: 'workers[0].instanceTypes', advice: expect.stringMatching(/^required: only models/) },
  ]);
});

test('a field behind an alias is reported on the line of the alias', async () => {
  const text = dev
    .replace('image:\n    ssm', 'image: &router\n    ssm')
    .replace(/image:\n {6}ssm.*\n/, 'image: *router\n');
  const error = await loadText(
    text.replace('instanceTypes: [g6.xlarge, g5.xlarge]', 'instanceTypes: [g5g.xlarge]'),
  ).catch((thrown: unknown) => thrown as FleetConfigError);
  const line = text.split('\n').findIndex((content) => content.includes('*router')) + 1;
  expect((error as FleetConfigError).mistakes).toContainEqual(
    expect.objectContaining({ line, path: 'workers[0].image.ssmParameter', advice: expect.stringMatching(/arm64/) }),
  );
});

test('a file whose aliases explode is a mistake', async () => {
  const levels = Array.from({ length: 9 }, (_, level) => `l${level + 1}: &l${level + 1} [${`*l${level}, `.repeat(9)}]`);
  const error = await loadText(['l0: &l0 [x]', ...levels].join('\n')).catch(String);
  expect(error).toMatch(/has 1 mistake:\n.*alias/i);
});

test.each([
  ['does not exist', 'fleets/none.yaml', /fleets\/none\.yaml has 1 mistake:\n.*-c config=FILE/],
  ['is a folder', repositoryRoot, /has 1 mistake:\n.*directory/],
])('a file that %s is a mistake, not a crash', (_what, file, message) => {
  expect(() => loadFleetConfig(file)).toThrow(message);
});
