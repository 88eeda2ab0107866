import { createLogger, type Logger } from '../../runtime/shared/log.ts';

/** A logger that keeps what it is told, as the JSON lines that a daemon would print. */
export interface LogLines {
  readonly log: Logger;
  readonly lines: readonly string[];
  /** The fields of the lines with that message. */
  of(msg: string): readonly Readonly<Record<string, unknown>>[];
}

export function keptLog(): LogLines {
  const lines: string[] = [];
  return {
    log: createLogger({ service: 'test', level: 'debug', write: (line) => void lines.push(line) }),
    lines,
    of: (msg) => lines.map((line) => JSON.parse(line)).filter((entry) => entry.msg === msg),
  };
}
