import { z } from 'zod';
import { sglangFlags } from './engine-flags.ts';
import { count, instanceType, section } from './fields.ts';

/** One file of the model library, `models/NAME.yaml`. */
export const modelSchema = section({
  path: z.string().min(1).describe('Hugging Face repository or a path on the worker.'),
  /** Figures of the model card or its config.json. */
  parametersBillions: z.number().positive().describe('All parameters, in billions.'),
  activeBillions: z
    .number()
    .positive()
    .optional()
    .describe('Parameters that one token uses, for mixture-of-experts models.'),
  weightsGiB: z.number().positive().describe('Size of the weights as they are stored.'),
  quantization: z.enum(['none', 'fp8', 'int8', 'int4', 'mxfp4', 'nvfp4']).default('none'),
  contextTokens: count(1_024, 20_000_000).describe('Longest context that the model was made for.'),
  kvBytesPerToken: count(1, 10_000_000).describe(
    'KV cache of one token over all layers, in bytes at the dtype of the cache.',
  ),
  attentionHeads: count(1, 1_024).describe('Heads that tensor parallelism divides.'),
  license: z.string().min(1).describe('Licence of the weights, for whoever deploys them.'),
  isGated: z.boolean().default(false).describe('Whether downloading needs a Hugging Face token.'),
  tensorParallel: count(1, 64).default(1).describe('GPUs that share the model.'),
  instanceTypes: z.array(instanceType).min(1).describe('Machines that suit it, cheapest first.'),
  flags: sglangFlags.default({}).describe("Settings that suit the model; a worker group's own flags win."),
});
export type LibraryModel = z.infer<typeof modelSchema>;
