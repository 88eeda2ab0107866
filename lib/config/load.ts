import { readFileSync } from 'node:fs';
import { type FileMistakes, FleetConfigError } from '../../runtime/shared/config-mistakes.ts';
import { YamlSource } from '../../runtime/shared/yaml-source.ts';
import { checkFleet } from './check-fleet.ts';
import { isLibraryName, libraryModels, readLibraryModel } from './model-library.ts';
import { type LibraryModel, modelSchema } from './model-schema.ts';
import { resolveFleet } from './resolve.ts';
import { type FleetConfig, type FleetFile, fleetSchema } from './schema.ts';

/** A fleet file with all that it inherits, and where each part stands. */
export interface LoadedFleet {
  readonly file: string;
  /** What the file says, with defaults. */
  readonly said: FleetFile;
  /** The same with what it inherits. */
  readonly config: FleetConfig;
  /** What is allowed, but likely not meant. */
  readonly warnings: readonly FileMistakes[];
  readonly source: YamlSource;
  /** The library's files that it names, by the name of the model. */
  readonly library: ReadonlyMap<string, LibraryFile>;
}

export interface LibraryFile {
  readonly file: string;
  readonly source: YamlSource;
  readonly model: LibraryModel;
}

/**
 * Reads a fleet file and the library models that it names. First the shape of all these files must be right, then what
 * they say together.
 * @throws FleetConfigError with every mistake of all of them
 */
export function readFleet(file: string): LoadedFleet {
  const source = new YamlSource(readText(file));
  const parsed = source.parse(fleetSchema);
  const { library, broken } = readLibrary(modelNames(source.content));
  if (parsed.mistakes) throw new FleetConfigError({ file, mistakes: parsed.mistakes }, ...broken);
  if (broken.length > 0) throw new FleetConfigError(...broken);

  const config = resolveFleet(parsed.data, (name) => library.get(name)!.model);
  const findings = checkFleet(config);
  const as = (isWarning: boolean) =>
    findings
      .filter((finding) => (finding.isWarning ?? false) === isWarning)
      .map(({ path, advice }) => source.mistake(path, advice));
  const mistakes = as(false);
  if (mistakes.length > 0) throw new FleetConfigError({ file, mistakes });
  const warnings = as(true);
  return {
    file,
    said: parsed.data,
    config,
    warnings: warnings.length === 0 ? [] : [{ file, mistakes: warnings }],
    source,
    library,
  };
}

/** @throws FleetConfigError with every mistake of the file and of the library models that it names */
export function loadFleetConfig(file: string): FleetConfig {
  return readFleet(file).config;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const advice = code === 'ENOENT' ? 'there is no such file; cdk takes one with -c config=FILE' : message;
    throw new FleetConfigError({ file, mistakes: [{ line: undefined, path: '', value: undefined, advice }] });
  }
}

/** Library models that a file names, as far as it can be read. */
function modelNames(content: unknown): string[] {
  const workers = (content as { workers?: unknown } | undefined)?.workers;
  if (!Array.isArray(workers)) return [];
  const names = workers.map((group: unknown) => (group as { model?: unknown } | null)?.model);
  return [...new Set(names)].filter(
    (name): name is string => typeof name === 'string' && isLibraryName(name) && libraryModels.includes(name),
  );
}

function readLibrary(names: readonly string[]): { library: Map<string, LibraryFile>; broken: FileMistakes[] } {
  const library = new Map<string, LibraryFile>();
  const broken: FileMistakes[] = [];
  for (const name of names) {
    const { file, text } = readLibraryModel(name);
    const source = new YamlSource(text);
    const { data, mistakes } = source.parse(modelSchema);
    if (mistakes) broken.push({ file, mistakes });
    else library.set(name, { file, source, model: data });
  }
  return { library, broken };
}
