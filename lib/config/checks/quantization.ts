import { fp4Capability, fp8Capability, sglangCapability } from '../../data/gpus.ts';
import { gpuInstanceTypes } from '../../data/instance-types.ts';
import { type Finding, type GroupPlace, groupCheck } from '../finding.ts';
import { engineFlags } from '../group-engine.ts';

interface Need {
  /** What needs it, as a person would say it. */
  readonly what: string;
  readonly computeCapability: number;
  readonly path: readonly (string | number)[];
}

/** Hopper and later: sgl-project/sglang#8822 names them as the GPUs that gpt-oss needs. */
const mxfp4Capability = 9.0;

/** The GPUs of every instance type know the formats of the weights and of the KV cache. */
export const checkQuantization = groupCheck((place) => {
  const { group, at } = place;
  const needs = needsOf(place);
  return group.instanceTypes.flatMap((name, index): Finding[] => {
    const gpu = gpuInstanceTypes.get(name)?.gpu;
    if (!gpu) return [];
    const has = `${name} has ${gpu.name}, ${gpu.computeCapability.toFixed(1)}`;
    const missing = needs.filter((need) => gpu.computeCapability < need.computeCapability);
    if (missing.length === 0 && gpu.computeCapability < sglangCapability) {
      const advice = `SGLang's kernels are built for compute capability ${sglangCapability.toFixed(1)} and above; ${has}`;
      return [{ path: at('instanceTypes', index), advice, isWarning: true }];
    }
    return missing.map(({ what, computeCapability, path }) => ({
      path,
      advice: `${what} needs compute capability ${computeCapability.toFixed(1)} or above; ${has}`,
    }));
  });
});

function needsOf({ group, at }: GroupPlace): Need[] {
  const flags = engineFlags(group);
  const stored = group.model.quantization ?? 'none';
  const method = String(flags['quantization'] ?? '');
  const cache = String(flags['kv-cache-dtype'] ?? '');
  const flagPath = (flag: string) => (flag in group.sglang.flags ? at('sglang', 'flags', flag) : at('model'));
  return [
    need(stored, `${stored} weights`, at('model')),
    need(method, `quantization ${method}`, flagPath('quantization')),
    need(cache, `a KV cache of ${cache}`, flagPath('kv-cache-dtype')),
  ].filter((found) => found !== undefined);
}

/** `format` is what a model's file or an SGLang flag calls it: nvfp4, modelopt_fp4, w8a8_fp8, fp8_e4m3 ... */
function need(format: string, what: string, path: Need['path']): Need | undefined {
  if (format.includes('mxfp4')) return { what, path, computeCapability: mxfp4Capability };
  if (format.includes('fp4')) return { what, path, computeCapability: fp4Capability };
  // e5m2 is only stored; e4m3 is computed with.
  if (format.includes('fp8') && !format.includes('e5m2')) return { what, path, computeCapability: fp8Capability };
  return undefined;
}
