import { z } from 'zod';
import { text } from './fields.ts';

/** Flags of the engine that something else sets, and what to write instead. */
const takenFlags = new Map([
  ...['host', 'port', 'model', 'model-path'].map((flag) => [flag, 'the runner sets this flag itself'] as const),
  ...['tp', 'tp-size', 'tensor-parallel-size'].map((flag) => [flag, 'write tensorParallel instead'] as const),
]);

/** SGLang flags by their own names without the dashes; `true` for a flag without a value. */
export const sglangFlags = z.record(
  text(/^[a-z][a-z0-9-]*$/, 'write SGLang flags without leading dashes, such as mem-fraction-static').superRefine(
    (flag, context) => {
      const message = takenFlags.get(flag);
      if (message !== undefined) context.addIssue({ code: 'custom', message });
    },
  ),
  z.union([z.string(), z.number(), z.boolean()]),
);
export type SglangFlags = z.infer<typeof sglangFlags>;
