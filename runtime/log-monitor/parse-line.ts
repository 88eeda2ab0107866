import type { LogEvent } from './log-event.ts';
import { parseBatch } from './parse-batch.ts';
import { finishedRequestMark, parseFinishedRequest } from './parse-finished-request.ts';
import { parseLife } from './parse-life.ts';
import { stripAnsi } from './strip-ansi.ts';

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

/** `--log-requests` prints prompts, and a prompt may quote an engine log. */
function isRequestLog(text: string): boolean {
  return text.includes(': obj=') || text.includes('"event": "request.') || text.includes('"event":"request.');
}
