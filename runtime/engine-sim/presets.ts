import { type GpuFigures, type ModelFigures, rooflineFigures } from './core/roofline.ts';
import type { EngineSettings } from './core/types.ts';

/** Engine settings under a name, with where each figure comes from. */
export interface EnginePreset {
  readonly name: string;
  readonly summary: string;
  readonly settings: EngineSettings;
  /** One line per figure. */
  readonly derivations: Readonly<Partial<Record<keyof EngineSettings, string>>>;
}

const schedulerSettings = {
  maxRunningRequests: 2_048,
  maxQueuedRequests: undefined,
  cacheBlockTokens: 1,
  decodeLogInterval: 40,
} as const;

const schedulerDerivations = {
  maxRunningRequests: 'what a real 0.5.23 chose (`max_running_requests` in its start-up log)',
  maxQueuedRequests: "SGLang's default: the queue has no bound",
  cacheBlockTokens: "SGLang's default page size",
  decodeLogInterval: "SGLang's default",
} as const;

/** Tensor-core figures are the dense ones of NVIDIA's data sheets, memory sizes those that `nvidia-smi` shows. */
const h100: GpuFigures = {
  name: 'H100 SXM 80 GB',
  bf16Tflops: 989,
  memoryGigabytesPerSecond: 3_350,
  memoryGib: 79.6,
  chunkedPrefillTokens: 8_192,
};
const l40s: GpuFigures = {
  name: 'L40S 48 GB',
  bf16Tflops: 362,
  memoryGigabytesPerSecond: 864,
  memoryGib: 45,
  chunkedPrefillTokens: 4_096,
};
const a10g: GpuFigures = {
  name: 'A10G 24 GB',
  bf16Tflops: 70,
  memoryGigabytesPerSecond: 600,
  memoryGib: 22.5,
  chunkedPrefillTokens: 2_048,
};

const llama8b: ModelFigures = {
  name: 'Llama 3.1 8B',
  parameters: 8.03e9,
  layers: 32,
  hiddenSize: 4_096,
  kvHeads: 8,
  headSize: 128,
};
const llama70b: ModelFigures = {
  name: 'Llama 3.1 70B',
  parameters: 70.6e9,
  layers: 80,
  hiddenSize: 8_192,
  kvHeads: 8,
  headSize: 128,
};

export const defaultPreset: EnginePreset = {
  name: 'default',
  summary: 'Round figures of no particular GPU: the engine of the routing benchmarks',
  settings: {
    ...schedulerSettings,
    prefillTokensPerSecond: 8_000,
    prefillOverheadMs: 5,
    chunkedPrefillTokens: 8_192,
    decodeStepMs: 10,
    decodeMsPerRequest: 0.2,
    decodeMsPerThousandContextTokens: 0.05,
    maxTotalTokens: 200_000,
  },
  derivations: {
    ...schedulerDerivations,
    prefillTokensPerSecond: 'chosen, as in the routing benchmarks',
    prefillOverheadMs: 'chosen',
    chunkedPrefillTokens: "SGLang's default for an 80 GB GPU",
    decodeStepMs: 'chosen: about 100 tokens per second for one request',
    decodeMsPerRequest: 'chosen: 20 requests slow a step by 40 %',
    decodeMsPerThousandContextTokens: 'chosen: what an 8B model needs on an H100',
    maxTotalTokens: 'chosen, as in the routing benchmarks',
  },
};

export const h100Llama8b = rooflinePreset('h100-llama-8b', h100, llama8b, 1);
export const h100Llama70bTp4 = rooflinePreset('h100-llama-70b-tp4', h100, llama70b, 4);
export const l40sLlama8b = rooflinePreset('l40s-llama-8b', l40s, llama8b, 1);
export const a10gLlama8b = rooflinePreset('a10g-llama-8b', a10g, llama8b, 1);

/** All of them, the default first. */
export const enginePresets: readonly EnginePreset[] = [
  defaultPreset,
  h100Llama8b,
  h100Llama70bTp4,
  l40sLlama8b,
  a10gLlama8b,
];

function rooflinePreset(name: string, gpu: GpuFigures, model: ModelFigures, gpuCount: number): EnginePreset {
  const figures = rooflineFigures(gpu, model, gpuCount);
  const settings: EngineSettings = {
    ...schedulerSettings,
    prefillTokensPerSecond: figures.prefillTokensPerSecond.value,
    prefillDoublingContextTokens: figures.prefillDoublingContextTokens.value,
    prefillOverheadMs: figures.prefillOverheadMs.value,
    chunkedPrefillTokens: figures.chunkedPrefillTokens.value,
    decodeStepMs: figures.decodeStepMs.value,
    decodeMsPerRequest: figures.decodeMsPerRequest.value,
    decodeMsPerThousandContextTokens: figures.decodeMsPerThousandContextTokens.value,
    maxTotalTokens: figures.maxTotalTokens.value,
  };
  const derivations = Object.entries(figures).map(([field, { derivation }]) => [field, derivation]);
  return {
    name,
    summary: `${model.name} in BF16 on ${gpuCount} ${gpu.name}, by arithmetic from data sheets; not measured`,
    settings,
    derivations: { ...schedulerDerivations, ...Object.fromEntries(derivations) },
  };
}
