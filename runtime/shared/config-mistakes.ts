import type { z } from 'zod';
import { YamlSource } from './yaml-source.ts';

/** One thing to correct in a YAML file. */
export interface Mistake {
  /** Line of the file, from 1; undefined when the file does not have the field. */
  readonly line: number | undefined;
  /** Where: `workers[0].min`. Empty for the file as a whole. */
  readonly path: string;
  /** What stands there, undefined when nothing does. */
  readonly value: unknown;
  /** What to write instead. */
  readonly advice: string;
}

/** The mistakes of one file. */
export interface FileMistakes {
  readonly file: string;
  readonly mistakes: readonly Mistake[];
}

/** All mistakes of all files that were read together. The message lists them, one a line. */
export class FleetConfigError extends Error {
  readonly files: readonly FileMistakes[];

  constructor(...files: readonly FileMistakes[]) {
    super(files.map((file) => describeFile(file, 'mistake')).join('\n'));
    this.name = 'FleetConfigError';
    this.files = files;
  }

  get mistakes(): readonly Mistake[] {
    return this.files.flatMap((file) => file.mistakes);
  }
}

/** Parses YAML by `schema`. @throws FleetConfigError with every mistake, each with its line, path, value and advice. */
export function parseYaml<Schema extends z.ZodType>(schema: Schema, file: string, source: string): z.infer<Schema> {
  const { data, mistakes } = new YamlSource(source).parse(schema);
  if (mistakes) throw new FleetConfigError({ file, mistakes });
  return data;
}

/** A heading with their number and the mistakes, one a line. @param kind what to call one of them */
export function describeFile({ file, mistakes }: FileMistakes, kind: string): string {
  const heading = `${file} has ${mistakes.length} ${kind}${mistakes.length === 1 ? '' : 's'}:`;
  return [heading, ...mistakes.map((mistake) => `  ${describe(mistake)}`)].join('\n');
}

function describe({ line, path, value, advice }: Mistake): string {
  const where = [line === undefined ? '' : `line ${line}`, path].filter(Boolean).join(', ');
  const what = value === undefined ? where : `${where} is ${JSON.stringify(value)}`;
  return what === '' ? advice : `${what}: ${advice}`;
}
