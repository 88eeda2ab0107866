import { cpuArchitecture, imageArchitecture } from '../../data/cpu-architecture.ts';
import type { Finding, FleetCheck } from '../finding.ts';
import { workerGroups } from '../finding.ts';
import type { ImageConfig } from '../schema.ts';

/** An image is built for the CPU of the machines that boot it. Of an image id nothing is known. */
export const checkCpuArchitecture: FleetCheck = (fleet) => [
  ...mismatches(fleet.routers.image, [fleet.routers.instanceType], ['routers', 'image', 'ssmParameter']),
  ...workerGroups(fleet).flatMap(({ group, at }) => [
    ...mixed(group.instanceTypes, at('instanceTypes')),
    ...mismatches(group.image, group.instanceTypes, at('image', 'ssmParameter')),
    ...(group.image.build === undefined
      ? []
      : mismatches(
          group.image.build.parent,
          [...group.instanceTypes, group.image.build.instanceType],
          at('image', 'build', 'parent', 'ssmParameter'),
        )),
  ]),
];

function mismatches({ ssmParameter }: ImageConfig, types: readonly string[], path: Finding['path']): Finding[] {
  const built = imageArchitecture(ssmParameter ?? '');
  if (built === undefined) return [];
  return types
    .filter((type) => cpuArchitecture(type) !== built)
    .map((type) => ({ path, advice: `the image is for ${built} and ${type} is ${cpuArchitecture(type)}` }));
}

function mixed(types: readonly string[], path: Finding['path']): Finding[] {
  if (new Set(types.map(cpuArchitecture)).size <= 1) return [];
  const list = types.map((type) => `${type} is ${cpuArchitecture(type)}`).join(', ');
  return [{ path, advice: `one image boots them all: ${list}` }];
}
