import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { schemaFiles } from '../../lib/config/json-schema.ts';
import { libraryModels, readLibraryModel } from '../../lib/config/model-library.ts';
import { modelSchema } from '../../lib/config/model-schema.ts';
import { fleetSchema } from '../../lib/config/schema.ts';
import { configFields } from '../../lib/config/schema-walk.ts';

const files = schemaFiles();

test.each(Object.entries(files))(
  'the JSON Schema of %s files is fresh: fleet config schema --write',
  (_name, { file, text }) => {
    expect(readFileSync(file, 'utf8')).toBe(text);
  },
);

test.each<[string, z.ZodType]>([
  ['fleet', fleetSchema],
  ['model', modelSchema],
])('every field of %s files says what it means', (_name, schema) => {
  expect(configFields(schema).filter(({ description }) => !description)).toEqual([]);
});

test('editors are offered the models of the library, and take any repository of Hugging Face', () => {
  const schema = JSON.parse(files.fleet.text);
  const { anyOf } = schema.properties.workers.items.properties.model;
  expect(anyOf[0].enum).toEqual(libraryModels);
  expect('Qwen/Qwen3-4B').toMatch(new RegExp(anyOf[1].pattern));
});

test('editors do not ask for what has a default, and refuse what is unknown', () => {
  const { required, additionalProperties } = JSON.parse(files.fleet.text);
  expect(required).toEqual(['name', 'region', 'network', 'routers', 'workers', 'logs']);
  expect(additionalProperties).toBe(false);
});

test.each(libraryModels)('models/%s.yaml tells editors its schema', (name) => {
  expect(readLibraryModel(name).text).toMatch(/^# yaml-language-server: \$schema=model\.schema\.json\n/);
});
