import { readFileSync } from 'node:fs';
import path from 'node:path';
import { checkFleet } from '../../lib/config/check-fleet.ts';
import { isLibraryName, libraryModels, readLibraryModel } from '../../lib/config/model-library.ts';
import { type LibraryModel, modelSchema } from '../../lib/config/model-schema.ts';
import { resolveFleet } from '../../lib/config/resolve.ts';
import { fleetSchema } from '../../lib/config/schema.ts';
import { gpuInstanceTypes } from '../../lib/data/instance-types.ts';
import { hourlyPriceUsd } from '../../lib/data/prices.ts';
import { parseYaml } from '../../runtime/shared/config-mistakes.ts';
import { repositoryRoot } from '../support/fleet-templates.ts';

const dev = parseYaml(fleetSchema, 'dev', readFileSync(path.join(repositoryRoot, 'fleets/dev.yaml'), 'utf8'));

const models = libraryModels.map((name): [string, LibraryModel] => {
  const { file, text } = readLibraryModel(name);
  return [name, parseYaml(modelSchema, file, text)];
});

/** What the checks say of a group that takes all from the library, with weights from S3 and room for them. */
function findingsFor(name: string, model: LibraryModel) {
  const group = {
    ...dev.workers[0]!,
    model: name,
    instanceTypes: undefined,
    volumeGiB: 2_000,
    weights: { from: 's3' as const, stream: false, uri: 's3://bucket/weights' },
    sglang: { version: '0.5.23', flags: {} },
  };
  return checkFleet(resolveFleet({ ...dev, workers: [group] }, () => model));
}

test('the library has at least a dozen models', () => {
  expect(libraryModels.length).toBeGreaterThanOrEqual(12);
  expect(libraryModels.every(isLibraryName)).toBe(true);
});

describe.each(models)('%s', (name, model) => {
  test('fits on each of its own machines, with its own settings', () => {
    expect(findingsFor(name, model)).toEqual([]);
  });

  test('names machines that all have as many GPUs as it shares, cheapest first', () => {
    const types = model.instanceTypes.map((type) => gpuInstanceTypes.get(type)!);
    expect(new Set(types.map(({ gpuCount }) => gpuCount))).toEqual(new Set([model.tensorParallel]));
    const prices = model.instanceTypes.map((type) => hourlyPriceUsd(type) ?? Number.POSITIVE_INFINITY);
    expect(prices).toEqual(prices.toSorted((one, other) => one - other));
  });

  // A comment above the figure says how it is made: `2 (K and V) x 36 layers x 8 KV heads x 128 x 2 bytes`.
  test('has the KV cache that its comment computes', () => {
    const { text } = readLibraryModel(name);
    const [, comment] = /# (.*)\nkvBytesPerToken:/.exec(text) ?? [];
    expect(product(comment ?? '')).toBe(model.kvBytesPerToken);
  });

  test('weighs what its parameters weigh in the format that they are stored in', () => {
    const bytesPerParameter = (model.weightsGiB * 1024 ** 3) / (model.parametersBillions * 1e9);
    const [least, most] = {
      none: [1.9, 2.6],
      fp8: [0.95, 1.15],
      int8: [0.95, 1.15],
      int4: [0.5, 0.7],
      mxfp4: [0.5, 0.7],
      nvfp4: [0.5, 0.7],
    }[model.quantization] as [number, number];
    expect(bytesPerParameter).toBeGreaterThan(least);
    expect(bytesPerParameter).toBeLessThan(most);
  });
});

/** The product of a comment's factors; the sum in brackets comes first, and words do not count. */
function product(comment: string): number {
  const factors = comment.split(/[;:]| of which /)[0]!.split(' x ');
  return factors.reduce((total, factor) => {
    const sum = /^\((.*)\)$/.exec(factor.trim())?.[1];
    const value = sum
      ? sum.split('+').reduce((all, term) => all + Number.parseInt(term, 10), 0)
      : Number.parseInt(factor, 10);
    return total * value;
  }, 1);
}
