import { engineFlags, tensorParallel } from '../config/group-engine.ts';
import type { SglangFlags, WorkerGroupConfig } from '../config/schema.ts';
import { servedModel } from '../served-model.ts';
import { weightsPlan } from './weights.ts';

/** SGLang's flags for the engines of a group: those of the library model, and over them the group's own. */
export function engineArguments(config: WorkerGroupConfig): string[] {
  const gpus = tensorParallel(config);
  // An engine names its model after the folder that it was given, which is not what clients know.
  const name = servedModel(config);
  const isNamed = name !== weightsPlan(config).modelPath;
  return words({
    ...engineFlags(config),
    ...(gpus > 1 && { 'tp-size': gpus }),
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
