import { gpuInstanceTypes } from '../../data/instance-types.ts';
import { type GroupPlace, groupCheck } from '../finding.ts';

/** What the engine's processes, the runner and the system need beside the sandboxes. */
const engineMemoryGiB = 8;

/** The sandboxes of a worker, all at their limit, have room in its memory beside the engine. */
export const checkMachineMemory = groupCheck(({ group, at }: GroupPlace) => {
  const sandboxesGiB = (group.maxSandboxes * group.sandboxMemoryMb) / 1_024;
  return group.instanceTypes.flatMap((name) => {
    const type = gpuInstanceTypes.get(name);
    if (!type || sandboxesGiB + engineMemoryGiB <= type.memoryGiB) return [];
    const most = Math.floor(((type.memoryGiB - engineMemoryGiB) * 1_024) / group.sandboxMemoryMb);
    const advice =
      `${group.maxSandboxes} sandboxes of ${group.sandboxMemoryMb} MiB and ${engineMemoryGiB} GiB for the engine do not ` +
      `fit in the ${type.memoryGiB} GiB of ${name}: at most ${Math.max(0, most)}, or less memory for each`;
    return [{ path: at('maxSandboxes'), advice }];
  });
});
