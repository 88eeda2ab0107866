import type { EngineSettings } from './types.ts';

/** A GPU by its maker's figures. */
export interface GpuFigures {
  readonly name: string;
  /** Dense, that is without the doubling of structured sparsity. */
  readonly bf16Tflops: number;
  readonly memoryGigabytesPerSecond: number;
  /** What the driver shows, in GiB: somewhat less than the name says. */
  readonly memoryGib: number;
  /** SGLang's default `--chunked-prefill-size` for this memory size. */
  readonly chunkedPrefillTokens: number;
}

/** A dense transformer in BF16, by its `config.json`. */
export interface ModelFigures {
  readonly name: string;
  readonly parameters: number;
  readonly layers: number;
  readonly hiddenSize: number;
  readonly kvHeads: number;
  readonly headSize: number;
}

/** Shares of the peaks that serving reaches: assumptions, not measurements. */
export const rooflineAssumptions = {
  computeShare: 0.5,
  bandwidthShare: 0.8,
  /** What is left of both when the model is spread over several GPUs. */
  tensorParallelShare: 0.85,
  /** SGLang's `--mem-fraction-static`: weights and KV pool; its default is 0.8 to 0.9, by GPU. */
  staticMemoryShare: 0.85,
  /** Launching a layer's kernels in a prefill, which no CUDA graph shortens. */
  launchMsPerLayer: 0.15,
} as const;

type DerivedName =
  | 'prefillTokensPerSecond'
  | 'prefillDoublingContextTokens'
  | 'prefillOverheadMs'
  | 'chunkedPrefillTokens'
  | 'decodeStepMs'
  | 'decodeMsPerRequest'
  | 'decodeMsPerThousandContextTokens'
  | 'maxTotalTokens';

export interface DerivedFigure {
  readonly value: number;
  /** How the value was come by, in one line. */
  readonly derivation: string;
}

/**
 * Engine figures by plain arithmetic: prefill is bound by compute, decode by reading weights and KV cache from memory.
 * Values are rounded to two digits where the inputs justify no more; nothing here was measured on the GPU.
 */
export function rooflineFigures(
  gpu: GpuFigures,
  model: ModelFigures,
  gpuCount: number,
): Readonly<Record<DerivedName, DerivedFigure>> {
  const { computeShare, bandwidthShare, tensorParallelShare, staticMemoryShare, launchMsPerLayer } =
    rooflineAssumptions;
  const parallelShare = gpuCount > 1 ? tensorParallelShare : 1;
  const flopsPerMs = gpu.bf16Tflops * 1e9 * computeShare * parallelShare * gpuCount;
  const bytesPerMs = gpu.memoryGigabytesPerSecond * 1e6 * bandwidthShare * parallelShare * gpuCount;
  const flopsPerToken = 2 * model.parameters;
  const weightBytes = 2 * model.parameters;
  const kvBytesPerToken = 2 * 2 * model.layers * model.kvHeads * model.headSize;
  const weightReadMs = weightBytes / bytesPerMs;
  const launchMs = model.layers * launchMsPerLayer;
  const poolBytes = gpuCount * gpu.memoryGib * 2 ** 30 * staticMemoryShare - weightBytes;

  const compute = `${percent(computeShare * parallelShare)} of ${gpuCount} x ${gpu.bf16Tflops} TFLOPS dense BF16`;
  const bandwidth = `${percent(bandwidthShare * parallelShare)} of ${gpuCount} x ${gpu.memoryGigabytesPerSecond} GB/s`;
  const billions = `${(model.parameters / 1e9).toFixed(1)}e9 parameters`;
  return {
    prefillTokensPerSecond: {
      value: rounded((1_000 * flopsPerMs) / flopsPerToken),
      derivation: `${compute}, at 2 FLOP x ${billions} per token`,
    },
    prefillDoublingContextTokens: {
      value: rounded(flopsPerToken / (4 * model.layers * model.hiddenSize)),
      derivation: `where attention's 4 x ${model.layers} layers x ${model.hiddenSize} FLOP per context token equal those of the weights`,
    },
    prefillOverheadMs: {
      value: rounded(Math.max(weightReadMs, launchMs)),
      derivation: `the larger of reading the weights once and ${launchMsPerLayer} ms of kernel launches x ${model.layers} layers (assumed)`,
    },
    chunkedPrefillTokens: {
      value: gpu.chunkedPrefillTokens,
      derivation: `SGLang's default for ${gpu.memoryGib.toFixed(0)} GiB of GPU memory`,
    },
    decodeStepMs: {
      value: rounded(weightReadMs),
      derivation: `2 bytes x ${billions}, read at ${bandwidth}`,
    },
    decodeMsPerRequest: {
      value: rounded(flopsPerToken / flopsPerMs),
      derivation: `2 FLOP x ${billions}, at ${compute}`,
    },
    decodeMsPerThousandContextTokens: {
      value: rounded((1_000 * kvBytesPerToken) / bytesPerMs),
      derivation: `${kvBytesPerToken / 1_024} KiB of KV per token (2 x 2 bytes x ${model.layers} layers x ${model.kvHeads} heads x ${model.headSize}), read at ${bandwidth}`,
    },
    maxTotalTokens: {
      value: rounded(poolBytes / kvBytesPerToken),
      derivation: `${percent(staticMemoryShare)} of ${gpuCount} x ${gpu.memoryGib} GiB less the weights, at ${kvBytesPerToken / 1_024} KiB per token`,
    },
  } satisfies Record<DerivedName & keyof EngineSettings, DerivedFigure>;
}

function rounded(value: number): number {
  return Number(value.toPrecision(2));
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`;
}
