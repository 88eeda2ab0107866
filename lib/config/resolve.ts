import { gpuInstanceTypes } from '../data/instance-types.ts';
import { isLibraryName } from './model-library.ts';
import type { LibraryModel } from './model-schema.ts';
import type { FleetConfig, FleetFile, WorkerGroupConfig, WorkerModel } from './schema.ts';

/** Puts what the library says of its models where a fleet file says nothing else. */
export function resolveFleet(fleet: FleetFile, libraryModel: (name: string) => LibraryModel): FleetConfig {
  return { ...fleet, workers: fleet.workers.map((group) => resolveGroup(group, libraryModel)) };
}

function resolveGroup(
  { model: name, modelOverrides, instanceTypes, ...group }: FleetFile['workers'][number],
  libraryModel: (name: string) => LibraryModel,
): WorkerGroupConfig {
  const overrides = Object.fromEntries(Object.entries(modelOverrides).filter(([, value]) => value !== undefined));
  if (isLibraryName(name)) {
    const model = libraryModel(name);
    return { ...group, model: { ...model, ...overrides }, instanceTypes: instanceTypes ?? model.instanceTypes };
  }
  const types = instanceTypes ?? [];
  const model: WorkerModel = { path: name, flags: {}, tensorParallel: gpuCount(types[0]) };
  return { ...group, model: { ...model, ...overrides }, instanceTypes: types };
}

/** Of a model that the library does not have only its user knows how it divides: it gets all GPUs. */
function gpuCount(instanceType: string | undefined): number {
  return gpuInstanceTypes.get(instanceType ?? '')?.gpuCount ?? 1;
}
