/**
 * Coded errors: every daemon keeps one table of them (`errors.ts` beside its `main.ts`) and throws nothing else to its
 * clients. On the wire they have the OpenAI shape, so that OpenAI clients show the message.
 */
export interface ErrorSpec {
  /** HTTP status. */
  readonly status: number;
  /** OpenAI error type, e.g. `invalid_request_error`. */
  readonly type: string;
  /** Text with `{name}` slots: what was wrong, with what value, and what to do. */
  readonly message: string;
  /** True when the same request may succeed later or elsewhere. */
  readonly retryable: boolean;
}

export type ErrorValues = Readonly<Record<string, string | number>>;

/** One row of an error table. */
export function coded(status: number, type: string, message: string, options?: { retryable?: boolean }): ErrorSpec {
  return { status, type, message, retryable: options?.retryable ?? false };
}

/** The body that clients receive. */
export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string;
  };
}

export interface CodedErrorOptions {
  readonly cause?: unknown;
  /** The request field at fault. @default null */
  readonly param?: string;
  /** Sent as `Retry-After`, in seconds. */
  readonly retryAfterSeconds?: number;
}

export class CodedError extends Error {
  readonly code: string;
  readonly spec: ErrorSpec;
  readonly param: string | null;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: string, spec: ErrorSpec, values: ErrorValues, options: CodedErrorOptions = {}) {
    super(fill(spec.message, values), { cause: options.cause });
    this.name = 'CodedError';
    this.code = code;
    this.spec = spec;
    this.param = options.param ?? null;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  get status(): number {
    return this.spec.status;
  }

  toBody(): ErrorBody {
    return { error: { message: this.message, type: this.spec.type, param: this.param, code: this.code } };
  }
}

/** Makes the daemon's `fail(code, values)` from its table. The result is thrown by the caller. */
export function errorFactory<Table extends Record<string, ErrorSpec>>(table: Table) {
  return (code: keyof Table & string, values: ErrorValues = {}, options?: CodedErrorOptions): CodedError =>
    new CodedError(code, table[code]!, values, options);
}

/** Puts `values` into the `{name}` slots; an unknown slot stays visible, which a test of the table catches. */
export function fill(template: string, values: ErrorValues): string {
  return template.replace(/\{(\w+)\}/g, (slot, name: string) => (name in values ? String(values[name]) : slot));
}

/** The message of anything thrown, with the messages of its causes. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof AggregateError && !error.message) return error.errors.map(describeError).join('; ');
  return error.cause === undefined ? error.message : `${error.message}: ${describeError(error.cause)}`;
}
