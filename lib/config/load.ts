import { existsSync, readFileSync } from 'node:fs';
import { FleetConfigError, parseYaml } from '../../runtime/shared/config-mistakes.ts';
import { isLibraryName, readLibraryModel } from './model-library.ts';
import { modelSchema } from './model-schema.ts';
import { type FleetConfig, type FleetFile, fleetSchema, type WorkerGroupConfig } from './schema.ts';

/**
 * Reads a fleet file and the library models that it names.
 * @throws FleetConfigError with every mistake of the file
 */
export function loadFleetConfig(file: string): FleetConfig {
  if (!existsSync(file)) {
    const advice = 'there is no such file; name one with -c config=FILE';
    throw new FleetConfigError(file, [{ line: undefined, path: '', value: undefined, advice }]);
  }
  const fleet = parseYaml(fleetSchema, file, readFileSync(file, 'utf8'));
  return { ...fleet, workers: fleet.workers.map(withModel) };
}

function withModel(group: FleetFile['workers'][number]): WorkerGroupConfig {
  if (!isLibraryName(group.model)) return { ...group, model: { path: group.model, flags: {}, tensorParallel: 1 } };
  const { file, source } = readLibraryModel(group.model);
  return { ...group, model: parseYaml(modelSchema, file, source) };
}
