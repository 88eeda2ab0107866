import type { LifeEvent } from './life-event.ts';
import { parseLife } from './parse-life.ts';
import { isRequestLog } from './request-log.ts';
import { stripAnsi } from './strip-ansi.ts';

/** What a raw line of an engine log (without its line feed) says about the engine's life; undefined for any other line. */
export function parseLifeLine(line: string): LifeEvent | undefined {
  const text = stripAnsi(line);
  const event = parseLife(text);
  return event !== undefined && !isRequestLog(text) ? event : undefined;
}
