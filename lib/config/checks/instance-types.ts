import { gpuInstanceTypes } from '../../data/instance-types.ts';
import { hourlyPriceUsd } from '../../data/prices.ts';
import { knownRegions } from '../../data/regions.ts';
import { type Finding, groupCheck } from '../finding.ts';

/** Families of machines without any GPU that an engine could use. */
const withoutGpu = /^(a|c|m|r|t|i|d|x|z|h|hpc|inf|trn|im|is|mac|u|u7i|vt|f)\d/;

/** Workers have GPUs, and the region is known to offer their machines. What the data does not know is a warning. */
export const checkInstanceTypes = groupCheck(({ group, at }, { region }) => {
  if (group.instanceTypes.length === 0) {
    return [
      { path: at('instanceTypes'), advice: 'required: only models of the library bring machines that suit them' },
    ];
  }
  return group.instanceTypes.flatMap((name, index): Finding[] => {
    const path = at('instanceTypes', index);
    if (withoutGpu.test(name)) return [{ path, advice: `${name} has no GPU that SGLang can use` }];
    if (!gpuInstanceTypes.has(name)) {
      return [
        { path, advice: `${name} is not in lib/data/instance-types.ts: its GPUs are not checked`, isWarning: true },
      ];
    }
    const regions = knownRegions(name) ?? [];
    const elsewhere: Finding[] = regions.includes(region)
      ? []
      : [
          {
            path,
            advice: `${name} is not known to be offered in ${region}, but in ${regions.join(', ')}`,
            isWarning: true,
          },
        ];
    const { capacityBlock, capacityReservations } = group.purchase;
    if (hourlyPriceUsd(name) !== undefined || capacityBlock || capacityReservations !== 'none') return elsewhere;
    return [
      ...elsewhere,
      { path, advice: `${name} is sold in capacity blocks only: give one in purchase`, isWarning: true },
    ];
  });
});
