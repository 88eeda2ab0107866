import { type Document, isNode, LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';

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

type Path = readonly PropertyKey[];

/** All mistakes of one file. The message lists them, one a line. */
export class FleetConfigError extends Error {
  readonly mistakes: readonly Mistake[];

  constructor(file: string, mistakes: readonly Mistake[]) {
    const heading = `${file} has ${mistakes.length} ${mistakes.length === 1 ? 'mistake' : 'mistakes'}:`;
    super([heading, ...mistakes.map((mistake) => `  ${describe(mistake)}`)].join('\n'));
    this.name = 'FleetConfigError';
    this.mistakes = mistakes;
  }
}

/** Parses YAML by `schema`. @throws FleetConfigError with every mistake, each with its line, path, value and advice. */
export function parseYaml<Schema extends z.ZodType>(schema: Schema, file: string, source: string): z.infer<Schema> {
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines });
  if (document.errors.length > 0) {
    const mistakes = document.errors.map(({ message, linePos }) => ({
      line: linePos?.[0].line,
      path: '',
      value: undefined,
      advice: message.split('\n')[0]!,
    }));
    throw new FleetConfigError(file, mistakes);
  }
  const result = schema.safeParse(document.toJS() ?? {});
  if (result.success) return result.data;
  const mistakes = result.error.issues.flatMap((issue) => mistakesOf(issue, document, lines));
  throw new FleetConfigError(file, mistakes);
}

/** An unknown field is a mistake of its own, however many its object has. */
function mistakesOf(issue: z.core.$ZodIssue, document: Document, lines: LineCounter): Mistake[] {
  const paths: Path[] =
    issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
  return paths.map((path) => {
    const value = plain(document.getIn(path));
    return { line: lineOf(path, document, lines), path: formatPath(path), value, advice: adviceOf(issue, value) };
  });
}

/** Zod says what it expected and what it received; the file shows the second. */
function adviceOf(issue: z.core.$ZodIssue, value: unknown): string {
  if (issue.code === 'invalid_key') return issue.issues.map((inner) => inner.message).join('; ');
  const advice = issue.message.replace(/^(Invalid input|Invalid option|Too small|Too big): |, received \w+$/g, '');
  return value === undefined ? `required: ${advice}` : advice;
}

function lineOf(path: Path, document: Document, lines: LineCounter): number | undefined {
  const node = document.getIn(path, true);
  return isNode(node) && node.range ? lines.linePos(node.range[0]).line : undefined;
}

function plain(value: unknown): unknown {
  return isNode(value) ? value.toJSON() : value;
}

function formatPath(path: Path): string {
  return path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : `${text}${text && '.'}${String(key)}`),
    '',
  );
}

function describe({ line, path, value, advice }: Mistake): string {
  const where = [line === undefined ? '' : `line ${line}`, path].filter(Boolean).join(', ');
  const what = value === undefined ? where : `${where} is ${JSON.stringify(value)}`;
  return what === '' ? advice : `${what}: ${advice}`;
}
