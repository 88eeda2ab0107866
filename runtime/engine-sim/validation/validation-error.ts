import { pythonRepr } from './python-repr.ts';

/** One finding of pydantic, the library that checks SGLang's request bodies. */
export interface Finding {
  readonly type: string;
  /** Path into the request, e.g. `['body', 'max_tokens']`. */
  readonly loc: readonly (string | number)[];
  readonly msg: string;
  readonly input: unknown;
  /** Already in Python's notation. */
  readonly ctx?: string;
}

/** Where in SGLang 0.5.23 a route is declared: its validation messages say so. */
export interface RouteSource {
  readonly line: number;
  readonly functionName: string;
}

const sourceFile = '/sgl-workspace/sglang/python/sglang/srt/entrypoints/http_server.py';

/** A body that does not fit the route's schema; answered with status 400 and type "Bad Request". */
export class ValidationError extends Error {
  readonly findings: readonly Finding[];

  constructor(findings: readonly Finding[]) {
    super('request validation failed');
    this.name = 'ValidationError';
    this.findings = findings;
  }

  /** The message as FastAPI 0.12x renders it, source lines included, followed by the findings once more. */
  describe(method: string, path: string, source: RouteSource | undefined): string {
    const rendered = this.findings.map(renderFinding);
    const count = `${rendered.length} validation error${rendered.length === 1 ? '' : 's'}`;
    const lines = rendered.map((finding) => `\n  ${finding}`).join('');
    const list = `[${rendered.join(', ')}]`;
    if (source === undefined) return `${count}:${lines} ${list}`;
    const { line, functionName } = source;
    return `${count}:${lines}\n\n  File "${sourceFile}", line ${line}, in ${functionName}\n    ${method} ${path} ${list}`;
  }
}

function renderFinding({ type, loc, msg, input, ctx }: Finding): string {
  const path = loc.map((part) => (typeof part === 'string' ? pythonRepr(part) : part)).join(', ');
  const context = ctx === undefined ? '' : `, 'ctx': ${ctx}`;
  return `{'type': '${type}', 'loc': (${path}), 'msg': ${pythonRepr(msg)}, 'input': ${pythonRepr(input)}${context}}`;
}

/** The one finding that SGLang makes itself, before pydantic, with other key order and a list for `loc`. */
export const unsupportedMediaTypeMessage = (() => {
  const finding =
    "{'loc': ['header', 'content-type'], 'msg': \"Unsupported Media Type: Only 'application/json' is allowed\", 'type': 'value_error'}";
  return `1 validation error:\n  ${finding} [${finding}]`;
})();
