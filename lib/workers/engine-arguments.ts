import type { SglangFlags, WorkerGroupConfig } from '../config/schema.ts';
import { weightsPlan } from './weights.ts';

type EngineConfig = Pick<WorkerGroupConfig, 'model' | 'weights' | 'sglang'>;

const tensorParallelFlags = ['tp', 'tp-size', 'tensor-parallel-size'];

/** The name under which clients ask for the group's model. */
export function servedModel({ model, sglang }: Pick<EngineConfig, 'model' | 'sglang'>): string {
  return String({ ...model.flags, ...sglang.flags }['served-model-name'] ?? model.path);
}

/** SGLang's flags for the engines of a group: those of the library model, and over them the group's own. */
export function engineArguments(config: EngineConfig): string[] {
  const { model, sglang } = config;
  const given = { ...model.flags, ...sglang.flags };
  const tensorParallel = sglang.tensorParallel ?? model.tensorParallel;
  const isSplit = tensorParallel > 1 && !tensorParallelFlags.some((flag) => flag in given);
  // An engine names its model after the folder that it was given, which is not what clients know.
  const name = servedModel(config);
  const isNamed = name !== weightsPlan(config).modelPath;
  return words({
    ...given,
    ...(isSplit && { 'tp-size': tensorParallel }),
    ...(isNamed && { 'served-model-name': name }),
  });
}

/** `true` gives a flag without a value, `false` leaves it out. */
function words(flags: SglangFlags): string[] {
  return Object.entries(flags).flatMap(([flag, value]) => {
    if (value === false) return [];
    return value === true ? [`--${flag}`] : [`--${flag}`, String(value)];
  });
}
