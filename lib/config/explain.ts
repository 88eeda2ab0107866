import type { z } from 'zod';
import { formatPath, type YamlSource } from '../../runtime/shared/yaml-source.ts';
import { engineFlags } from './group-engine.ts';
import type { LibraryFile, LoadedFleet } from './load.ts';
import { isLibraryName } from './model-library.ts';
import { modelOverrides } from './model-schema.ts';
import { fleetSchema, type WorkerGroupConfig } from './schema.ts';
import { descriptionOf, nodeOf } from './schema-walk.ts';

/** One value of a fleet, as it is in the end. */
export interface ExplainedValue {
  readonly path: string;
  /** undefined where nothing is set and nothing stands in for it. */
  readonly value: unknown;
  /** `FILE:LINE`, `default`, or what it follows from. */
  readonly from: string;
  readonly meaning: string;
}

type Path = readonly (string | number)[];

/** Every effective value of a fleet, in the order of the schema, with where it comes from and what it means. */
export function explainFleet(fleet: LoadedFleet): ExplainedValue[] {
  return explain(fleet, fleetSchema, fleet.said, []);
}

function explain(fleet: LoadedFleet, schema: z.ZodType, value: unknown, path: Path): ExplainedValue[] {
  const node = nodeOf(schema);
  const own = ownRules(fleet, schema, path);
  if (own !== undefined) return own;
  if (node.kind === 'section' && value !== undefined) {
    const fields = value as Readonly<Record<string, unknown>>;
    return Object.entries(node.fields).flatMap(([key, field]) => explain(fleet, field, fields[key], [...path, key]));
  }
  if (node.kind === 'list' && (value as readonly unknown[]).length > 0) {
    return (value as readonly unknown[]).flatMap((element, index) =>
      explain(fleet, node.element, element, [...path, index]),
    );
  }
  return [
    { path: formatPath(path), value, from: placeOf(fleet, path) ?? 'default', meaning: descriptionOf(schema) ?? '' },
  ];
}

/** Fields of a worker group that the model library has a say in. */
function ownRules(fleet: LoadedFleet, schema: z.ZodType, path: Path): ExplainedValue[] | undefined {
  const [workers, index, ...field] = path;
  if (workers !== 'workers' || typeof index !== 'number') return undefined;
  const group = fleet.config.workers[index]!;
  const { model: name } = fleet.said.workers[index]!;
  const library = isLibraryName(name) ? fleet.library.get(name) : undefined;
  const explained = (value: unknown, inherited: 'instanceTypes' | 'tensorParallel'): ExplainedValue => ({
    path: formatPath(path),
    value,
    from: placeOf(fleet, path) ?? placeInLibrary(library, inherited),
    meaning: descriptionOf(schema) ?? '',
  });
  switch (field.join('.')) {
    case 'modelOverrides':
      return explainModel(fleet, group, library, index);
    case 'instanceTypes':
      return [explained(group.instanceTypes, 'instanceTypes')];
    case 'sglang.tensorParallel':
      return [explained(group.sglang.tensorParallel ?? group.model.tensorParallel, 'tensorParallel')];
    case 'sglang.flags':
      return explainFlags(fleet, group, library, path);
    default:
      return undefined;
  }
}

function placeInLibrary(library: LibraryFile | undefined, field: string): string {
  if (library === undefined) return 'all GPUs of the first instance type';
  return lineIn(library.file, library.source, [field]) ?? 'default';
}

function explainModel(
  fleet: LoadedFleet,
  group: WorkerGroupConfig,
  library: LibraryFile | undefined,
  index: number,
): ExplainedValue[] {
  const model = group.model as Readonly<Record<string, unknown>>;
  return Object.entries(modelOverrides.shape).map(([field, schema]) => {
    const inFleet = placeOf(fleet, ['workers', index, 'modelOverrides', field]);
    const inLibrary = library && lineIn(library.file, library.source, [field]);
    const isPath = field === 'path' && library === undefined;
    const from =
      inFleet ?? inLibrary ?? (isPath ? placeOf(fleet, ['workers', index, 'model']) : undefined) ?? 'default';
    const path = formatPath(['workers', index, 'modelOverrides', field]);
    return { path, value: model[field], from, meaning: descriptionOf(schema as z.ZodType) ?? '' };
  });
}

function explainFlags(
  fleet: LoadedFleet,
  group: WorkerGroupConfig,
  library: LibraryFile | undefined,
  path: Path,
): ExplainedValue[] {
  return Object.entries(engineFlags(group)).map(([flag, value]) => {
    const inFleet = placeOf(fleet, [...path, flag]);
    const inLibrary = library && lineIn(library.file, library.source, ['flags', flag]);
    const instead = inFleet && inLibrary ? `, instead of ${inLibrary}` : '';
    const from = `${inFleet ?? inLibrary}${instead}`;
    return { path: formatPath([...path, flag]), value, from, meaning: 'A flag of SGLang.' };
  });
}

function placeOf({ file, source }: LoadedFleet, path: Path): string | undefined {
  return lineIn(file, source, path);
}

function lineIn(file: string, source: YamlSource, path: Path): string | undefined {
  const line = source.lineOf(path);
  return line === undefined ? undefined : `${file}:${line}`;
}
