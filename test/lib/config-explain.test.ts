import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { stringify } from 'yaml';
import { type ExplainedValue, explainFleet } from '../../lib/config/explain.ts';
import { readFleet } from '../../lib/config/load.ts';
import { type FieldValues, fleetContent, withValues } from '../support/fleet-file.ts';
import { repositoryRoot } from '../support/fleet-templates.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const devFile = path.join(repositoryRoot, 'fleets/dev.yaml');

/** What is said of the dev fleet with other values, by path; the fleet's file is called FILE. */
async function explained(values: FieldValues): Promise<Map<string, ExplainedValue>> {
  await using folder = await temporaryDirectory();
  const file = path.join(folder.path, 'fleet.yaml');
  await writeFile(file, stringify(withValues(fleetContent('dev'), values)));
  const explanations = explainFleet(readFleet(file));
  return new Map(explanations.map((value) => [value.path, { ...value, from: value.from.replaceAll(file, 'FILE') }]));
}

test('a value of the file comes from its line, another one from the default, and each says what it means', () => {
  const values = new Map(explainFleet(readFleet(devFile)).map((value) => [value.path, value]));
  expect(values.get('workers[0].drainSeconds')).toEqual({
    path: 'workers[0].drainSeconds',
    value: 660,
    from: `${devFile}:35`,
    meaning: 'How long a worker that goes away may finish its requests.',
  });
  expect(values.get('workers[0].startMinutes')).toMatchObject({ value: 30, from: 'default' });
  expect(values.get('workers[0].warmPool')).toMatchObject({ value: undefined, from: 'default' });
  expect([...values.values()].filter(({ meaning }) => meaning === '')).toEqual([]);
});

test('what a group inherits comes from the line of the library', async () => {
  const values = await explained({
    'workers.0.model': 'qwen3-8b',
    'workers.0.instanceTypes': undefined,
    'workers.0.sglang.flags': { 'mem-fraction-static': 0.9 },
    'workers.0.modelOverrides': { weightsGiB: 15 },
  });
  const from = (field: string) => [values.get(`workers[0].${field}`)?.value, values.get(`workers[0].${field}`)?.from];
  expect(from('instanceTypes')).toEqual([['g6.xlarge', 'g5.xlarge', 'g6e.xlarge'], 'models/qwen3-8b.yaml:12']);
  expect(from('modelOverrides.contextTokens')).toEqual([40_960, 'models/qwen3-8b.yaml:6']);
  expect(from('modelOverrides.weightsGiB')).toEqual([15, expect.stringMatching(/^FILE:\d+$/)]);
  expect(from('modelOverrides.isGated')).toEqual([false, 'default']);
  expect(from('sglang.tensorParallel')).toEqual([1, 'default']);
  expect(from('sglang.flags.context-length')).toEqual([24_576, 'models/qwen3-8b.yaml:17']);
  expect(from('sglang.flags.mem-fraction-static')).toEqual([
    0.9,
    expect.stringMatching(/^FILE:\d+, instead of models\/qwen3-8b\.yaml:18$/),
  ]);
});

test('a model outside the library has its path from the file and all GPUs of its machines', async () => {
  const values = await explained({ 'workers.0.model': 'owner/name', 'workers.0.instanceTypes': ['g6e.12xlarge'] });
  expect(values.get('workers[0].modelOverrides.path')).toMatchObject({
    value: 'owner/name',
    from: expect.stringMatching(/^FILE:\d+$/),
  });
  expect(values.get('workers[0].sglang.tensorParallel')).toMatchObject({
    value: 4,
    from: 'all GPUs of the first instance type',
  });
});
