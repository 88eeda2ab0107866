/**
 * JSON-lines logging to stdout: one object a line, constant `msg`, data in fields.
 * Never pass prompts, API keys or tokens; values under the names in `redactedNames` are replaced as a second line of defence.
 */
export interface Logger {
  debug(msg: string, fields?: LogFields): void;
  info(msg: string, fields?: LogFields): void;
  warn(msg: string, fields?: LogFields): void;
  error(msg: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every line. */
  child(fields: LogFields): Logger;
}

export type LogFields = Readonly<Record<string, unknown>>;
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

const levelRank: Record<LogLevel, number> = { debug: 10, info: 20, warn: 30, error: 40, silent: 99 };
const redactedNames = new Set(['authorization', 'x-api-key', 'apikey', 'secret', 'token', 'password', 'cookie']);

export interface LoggerOptions {
  /** Daemon name, the `service` field of every line. */
  readonly service: string;
  /** @default 'info' */
  readonly level?: LogLevel;
  /** Receives one line without its newline. @default - stdout */
  readonly write?: (line: string) => void;
}

export function createLogger(options: LoggerOptions): Logger {
  const write = options.write ?? ((line: string) => void process.stdout.write(`${line}\n`));
  const threshold = levelRank[options.level ?? 'info'];
  const make = (base: LogFields): Logger => {
    const log = (level: LogLevel) => (msg: string, fields?: LogFields) => {
      if (levelRank[level] < threshold) return;
      write(JSON.stringify({ time: new Date().toISOString(), level, ...base, msg, ...fields }, replaceValue));
    };
    return {
      debug: log('debug'),
      info: log('info'),
      warn: log('warn'),
      error: log('error'),
      child: (fields) => make({ ...base, ...fields }),
    };
  };
  return make({ service: options.service });
}

/** Errors become `{name, message, code, cause}`; secrets become a fixed word. */
function replaceValue(name: string, value: unknown): unknown {
  if (redactedNames.has(name.toLowerCase())) return '[redacted]';
  if (!(value instanceof Error)) return value;
  const { code } = value as { code?: unknown };
  return {
    name: value.name,
    message: value.message,
    ...(code !== undefined && { code }),
    ...(value.cause !== undefined && { cause: value.cause }),
  };
}
