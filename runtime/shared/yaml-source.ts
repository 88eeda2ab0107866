import { type Document, isNode, LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import type { Mistake } from './config-mistakes.ts';

/** Where something stands in a file: keys and indexes from its root. */
export type YamlPath = readonly PropertyKey[];

/** What parsing by a schema gives: the data, or every mistake. */
export type Parsed<Data> =
  | { readonly data: Data; readonly mistakes?: undefined }
  | { readonly data?: undefined; readonly mistakes: readonly Mistake[] };

/** A YAML text that knows the line of everything in it. */
export class YamlSource {
  readonly #document: Document;
  readonly #lines = new LineCounter();

  constructor(text: string) {
    this.#document = parseDocument(text, { lineCounter: this.#lines });
  }

  /** The text as data, before any schema; undefined where it is not YAML. */
  get content(): unknown {
    return this.#document.errors.length > 0 ? undefined : this.#toJs().data;
  }

  parse<Schema extends z.ZodType>(schema: Schema): Parsed<z.infer<Schema>> {
    const { errors } = this.#document;
    if (errors.length > 0) {
      return {
        mistakes: errors.map(({ message, linePos }) => fileMistake(syntaxAdvice(message), linePos?.[0].line)),
      };
    }
    const content = this.#toJs();
    if (content.mistakes) return content;
    const result = schema.safeParse(content.data ?? {});
    if (result.success) return { data: result.data };
    return { mistakes: result.error.issues.flatMap((issue) => this.#mistakesOf(issue)) };
  }

  /** What stands at `path`, and on which line. A field that the file does not have has the line of what would hold it. */
  mistake(path: YamlPath, advice: string): Mistake {
    let line: number | undefined;
    for (let depth = path.length; depth > 0 && line === undefined; depth--) line = this.lineOf(path.slice(0, depth));
    return { line, path: formatPath(path), value: this.#valueAt(path), advice };
  }

  /** The line on which `path` begins, from 1; undefined when the file does not have it. */
  lineOf(path: YamlPath): number | undefined {
    const node = this.#document.getIn(path, true);
    return isNode(node) && node.range ? this.#lines.linePos(node.range[0]).line : undefined;
  }

  #valueAt(path: YamlPath): unknown {
    const value = this.#document.getIn(path);
    return isNode(value) ? value.toJS(this.#document) : value;
  }

  /** Aliases may ask for more than a file's size lets one expect; the library stops there. */
  #toJs(): Parsed<unknown> {
    try {
      return { data: this.#document.toJS() as unknown };
    } catch (error) {
      return { mistakes: [fileMistake((error as Error).message, undefined)] };
    }
  }

  /** An unknown field is a mistake of its own, however many its object has. */
  #mistakesOf(issue: z.core.$ZodIssue): Mistake[] {
    const paths: YamlPath[] =
      issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
    return paths.map((path) => {
      const value = this.#valueAt(path);
      return { line: this.lineOf(path), path: formatPath(path), value, advice: adviceOf(issue, value) };
    });
  }
}

/** The library's message shows the place and the text around it as well. */
function syntaxAdvice(message: string): string {
  return message.split('\n')[0]!.replace(/ at line \d+, column \d+:$/, '');
}

function fileMistake(advice: string, line: number | undefined): Mistake {
  return { line, path: '', value: undefined, advice };
}

/** Zod says what it expected and what it received; the file shows the second. */
function adviceOf(issue: z.core.$ZodIssue, value: unknown): string {
  if (issue.code === 'invalid_key') return issue.issues.map((inner) => inner.message).join('; ');
  const advice = issue.message.replace(/^(Invalid input|Invalid option|Too small|Too big): |, received \w+$/g, '');
  return value === undefined ? `required: ${advice}` : advice;
}

/** `workers[0].min`. */
export function formatPath(path: YamlPath): string {
  return path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : `${text}${text && '.'}${String(key)}`),
    '',
  );
}
