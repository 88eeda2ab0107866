import { parseLife } from '../shared/engine-log/parse-life.ts';
import { isRequestLog } from '../shared/engine-log/request-log.ts';
import { stripAnsi } from '../shared/engine-log/strip-ansi.ts';
import type { LogEvent } from './log-event.ts';
import { parseBatch } from './parse-batch.ts';
import { finishedRequestMark, parseFinishedRequest } from './parse-finished-request.ts';

/**
 * Understands one line of an engine log (without its line feed); undefined for any other line. Never throws.
 * Covers every SGLang version since 0.2; colours, wrappers and text glued in front are tolerated.
 */
export function parseLogLine(line: string): LogEvent | undefined {
  const text = stripAnsi(line);
  const event = (text.includes(' batch') ? parseBatch(text) : undefined) ?? parseLife(text);
  if (event !== undefined && !isRequestLog(text)) return event;
  return text.includes(finishedRequestMark) ? parseFinishedRequest(text) : undefined;
}
