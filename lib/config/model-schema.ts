import { z } from 'zod';
import { sglangFlags } from './engine-flags.ts';
import { count, instanceType, section } from './fields.ts';

/** Figures of the model card or its config.json that decide which machines a model fits on. */
const facts = {
  path: z.string().min(1).describe('Hugging Face repository or a path on the worker.'),
  weightsGiB: z.number().positive().describe('Size of the weights as they are stored.'),
  quantization: z
    .enum(['none', 'fp8', 'int8', 'int4', 'mxfp4', 'nvfp4'])
    .describe('How the weights are stored; none is 16 bits a parameter.'),
  contextTokens: count(1_024, 20_000_000).describe('Longest context that the model was made for.'),
  kvBytesPerToken: count(1, 10_000_000).describe('KV cache of one token over all layers, in bytes at 16 bits a value.'),
  kvHeads: count(1, 1_024).describe('Heads that the KV cache is divided by; 1 where all share one latent (MLA).'),
  attentionHeads: count(1, 1_024).describe('Heads that tensor parallelism divides.'),
  isGated: z.boolean().describe('Whether downloading needs a Hugging Face token.'),
};

/** One file of the model library, `models/NAME.yaml`. */
export const modelSchema = section({
  ...facts,
  quantization: facts.quantization.default('none'),
  isGated: facts.isGated.default(false),
  parametersBillions: z.number().positive().describe('All parameters, in billions.'),
  activeBillions: z
    .number()
    .positive()
    .optional()
    .describe('Parameters that one token uses, for mixture-of-experts models.'),
  license: z.string().min(1).describe('Licence of the weights, for whoever deploys them.'),
  tensorParallel: count(1, 64).default(1).describe('GPUs that share the model.'),
  instanceTypes: z.array(instanceType).min(1).describe('Machines that suit it, cheapest first.'),
  flags: sglangFlags.default({}).describe("Settings that suit the model; a worker group's own flags win."),
});
export type LibraryModel = z.infer<typeof modelSchema>;

/** What a worker group may say otherwise than the library; flags and tensor parallelism it says under `sglang`. */
export const modelOverrides = section({
  path: facts.path.optional(),
  weightsGiB: facts.weightsGiB.optional(),
  quantization: facts.quantization.optional(),
  contextTokens: facts.contextTokens.optional(),
  kvBytesPerToken: facts.kvBytesPerToken.optional(),
  kvHeads: facts.kvHeads.optional(),
  attentionHeads: facts.attentionHeads.optional(),
  isGated: facts.isGated.optional(),
});
