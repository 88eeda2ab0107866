import { STATUS_CODES } from 'node:http';

/** Receives one line without its newline. */
export type LogSink = (line: string) => void;

/**
 * The log of an SGLang 0.5.23 server. Every line starts with local time in brackets; access and life-cycle lines of the
 * HTTP server carry uvicorn's level as well.
 */
export class EngineLog {
  readonly #sink: LogSink;

  constructor(sink: LogSink) {
    this.#sink = sink;
  }

  line(text: string): void {
    this.#sink(`[${localTime(new Date())}] ${text}`);
  }

  /** uvicorn pads the level to 9 characters with its colon. */
  uvicorn(level: 'INFO' | 'WARNING' | 'ERROR', text: string): void {
    this.line(`${`${level}:`.padEnd(9)} ${text}`);
  }

  access(request: { client: string; method: string; url: string; httpVersion: string }, status: number): void {
    const { client, method, url, httpVersion } = request;
    this.uvicorn('INFO', `${client} - "${method} ${url} HTTP/${httpVersion}" ${status} ${STATUS_CODES[status] ?? ''}`);
  }
}

let cachedSecond = -1;
let cachedText = '';

/** `2026-11-22 02:45:05`, local time without zone, as Python's logging has it. */
export function localTime(date: Date): string {
  const second = Math.floor(date.getTime() / 1_000);
  if (second === cachedSecond) return cachedText;
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  cachedText = `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  cachedSecond = second;
  return cachedText;
}
