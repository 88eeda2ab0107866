import type { Gpu } from '../data/gpus.ts';
import { gpuInstanceTypes } from '../data/instance-types.ts';
import { engineFlags, numberFlag, pipelineParallel, tensorParallel } from './group-engine.ts';
import type { WorkerGroupConfig } from './schema.ts';

/** How an engine's memory divides on each of its GPUs, in GiB. */
export interface MemoryPlan {
  readonly weightsGiB: number;
  /** KV cache of one request of the longest context. */
  readonly contextGiB: number;
  /** What SGLang may use for weights and KV cache. */
  readonly staticGiB: number;
  /** What is left for activations, CUDA graphs and the CUDA context. */
  readonly workingGiB: number;
  /** Tokens of the longest request: the context length that is set, else that of the model. */
  readonly contextTokens: number;
  /** Tokens that the KV cache has room for; negative when the weights alone do not fit. */
  readonly kvTokens: number;
}

/** SGLang chooses the share by the GPU and its settings, between about 0.8 and 0.9, when the flag is not set. */
export const assumedMemFraction = 0.85;
/** What activations, graphs and the CUDA context need at the least, on any GPU. */
export const leastWorkingGiB = 1.5;

const bytesPerGiB = 1024 ** 3;
/** Weights of 16 bits that are quantised to 8 while they load; embeddings stay as they are. */
const onlineFp8Share = 0.55;

/** undefined where too little is known of the model. */
export function planMemory(group: WorkerGroupConfig, gpu: Gpu): MemoryPlan | undefined {
  const { weightsGiB, kvBytesPerToken, kvHeads, contextTokens: modelContext } = group.model;
  if (!weightsGiB || !kvBytesPerToken || !kvHeads || !modelContext) return undefined;
  const flags = engineFlags(group);
  const stages = pipelineParallel(group);
  const shards = tensorParallel(group);
  const isQuantizedOnLoad = group.model.quantization === 'none' && /fp8/.test(String(flags['quantization'] ?? ''));
  const weights = (weightsGiB * (isQuantizedOnLoad ? onlineFp8Share : 1)) / (shards * stages);
  const hasSmallCache = /^fp8/.test(String(flags['kv-cache-dtype'] ?? ''));
  // A KV head cannot be cut: with more GPUs than heads, several GPUs keep the same one.
  const tokenBytes = (kvBytesPerToken * (hasSmallCache ? 0.5 : 1)) / (Math.min(shards, kvHeads) * stages);
  const fraction = numberFlag(flags, 'mem-fraction-static') ?? assumedMemFraction;
  const contextTokens = numberFlag(flags, 'context-length') ?? modelContext;
  const staticGiB = gpu.memoryGiB * fraction;
  return {
    weightsGiB: weights,
    contextGiB: (tokenBytes * contextTokens) / bytesPerGiB,
    staticGiB,
    workingGiB: gpu.memoryGiB - staticGiB,
    contextTokens,
    kvTokens: Math.floor(((staticGiB - weights) * bytesPerGiB) / tokenBytes),
  };
}

/** On the instance type that the group prefers; undefined also where its GPU is not known. */
export function planOnFirstType(group: WorkerGroupConfig): MemoryPlan | undefined {
  const gpu = gpuInstanceTypes.get(group.instanceTypes[0] ?? '')?.gpu;
  return gpu && planMemory(group, gpu);
}

/** Whether the weights and the KV cache of one longest request have room, and enough is left to compute with. */
export function fits(plan: MemoryPlan): boolean {
  return plan.kvTokens >= plan.contextTokens && plan.workingGiB >= leastWorkingGiB;
}
