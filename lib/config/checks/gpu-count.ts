import { type GpuInstanceType, gpuInstanceTypes } from '../../data/instance-types.ts';
import { type Finding, type GroupPlace, groupCheck } from '../finding.ts';
import { engineGpus, tensorParallel } from '../group-engine.ts';

/** An engine has as many GPUs as it is told to use, on every instance type, and they divide the model evenly. */
export const checkGpuCount = groupCheck((place) => {
  const types = place.group.instanceTypes.flatMap((name) => gpuInstanceTypes.get(name) ?? []);
  return [...unequal(place, types), ...types.flatMap((type) => gpuUse(place, type)), ...heads(place)];
});

/** Workers of one group start with the same command, whatever machine they get. */
function unequal({ at }: GroupPlace, types: readonly GpuInstanceType[]): Finding[] {
  const counts = new Set(types.map(({ gpuCount }) => gpuCount));
  if (counts.size <= 1) return [];
  const list = types.map(({ name, gpuCount }) => `${name} has ${gpuCount}`).join(', ');
  return [{ path: at('instanceTypes'), advice: `all must have the same number of GPUs: ${list}` }];
}

function gpuUse({ group, at }: GroupPlace, { name, gpuCount }: GpuInstanceType): Finding[] {
  const used = engineGpus(group);
  const path = at('sglang', 'tensorParallel');
  if (used > gpuCount) return [{ path, advice: `the engine needs ${used} GPUs and ${name} has ${gpuCount}` }];
  if (used === gpuCount) return [];
  const advice =
    `${gpuCount - used} of ${gpuCount} GPUs of ${name} would do nothing: raise tensorParallel, ` +
    `set the flag dp-size to ${Math.floor(gpuCount / tensorParallel(group))}, or take a machine with fewer`;
  return [{ path, advice, isWarning: true }];
}

/** SGLang asserts both when it starts. */
function heads({ group, at }: GroupPlace): Finding[] {
  const shards = tensorParallel(group);
  const { attentionHeads, kvHeads } = group.model;
  const path = at('sglang', 'tensorParallel');
  if (attentionHeads !== undefined && attentionHeads % shards !== 0) {
    return [
      {
        path,
        advice: `${shards} GPUs cannot share ${attentionHeads} attention heads evenly: use ${divisors(attentionHeads)}`,
      },
    ];
  }
  // One latent is kept by all (MLA); more GPUs than heads keep copies.
  if (kvHeads !== undefined && kvHeads % shards !== 0 && shards % kvHeads !== 0) {
    return [{ path, advice: `${shards} GPUs cannot share ${kvHeads} KV heads evenly: use ${divisors(kvHeads)}` }];
  }
  return [];
}

/** The numbers of GPUs that machines have and that divide `heads`. */
function divisors(heads: number): string {
  return [1, 2, 4, 8].filter((gpus) => heads % gpus === 0).join(', ');
}
