import { z } from 'zod';
import { text } from './fields.ts';

/** Flags of the engine that the runner sets itself. */
const takenFlags = ['host', 'port', 'model', 'model-path'];

/** SGLang flags by their own names without the dashes; `true` for a flag without a value. */
export const sglangFlags = z.record(
  text(/^[a-z][a-z0-9-]*$/, 'write SGLang flags without leading dashes, such as mem-fraction-static').refine(
    (flag) => !takenFlags.includes(flag),
    'the runner sets this flag itself',
  ),
  z.union([z.string(), z.number(), z.boolean()]),
);
export type SglangFlags = z.infer<typeof sglangFlags>;
