import path from 'node:path';
import { z } from 'zod';
import { libraryFolder, libraryModels } from './model-library.ts';
import { modelSchema } from './model-schema.ts';
import { fleetSchema } from './schema.ts';

export interface SchemaFile {
  readonly file: string;
  /** JSON Schema (draft 2020-12) of what a person writes. */
  readonly text: string;
}

/** The files that editors complete and check fleet and model files by. */
export function schemaFiles(): Record<'fleet' | 'model', SchemaFile> {
  const fleets = path.resolve(libraryFolder, '../fleets');
  return {
    fleet: { file: path.join(fleets, 'fleet.schema.json'), text: jsonSchema(fleetSchema, 'A fleet of sglang-fleet') },
    model: {
      file: path.join(libraryFolder, 'model.schema.json'),
      text: jsonSchema(modelSchema, 'A model of the library of sglang-fleet'),
    },
  };
}

function jsonSchema(schema: z.ZodType, title: string): string {
  const described = z.toJSONSchema(schema, {
    io: 'input',
    override: ({ jsonSchema, path: at }) => offer(jsonSchema, at),
  });
  return `${JSON.stringify({ title, ...described }, null, 2)}\n`;
}

/** What a refinement says in code and an editor should offer. */
function offer(jsonSchema: z.core.JSONSchema.BaseSchema, at: readonly (string | number)[]): void {
  if (at.at(-1) !== 'model' || at.at(-2) !== 'properties') return;
  jsonSchema.anyOf = [{ enum: [...libraryModels] }, { pattern: '^[^/]+/[^/]+$' }];
}
