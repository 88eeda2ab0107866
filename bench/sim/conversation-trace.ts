import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/** One request of a trace in the Mooncake format; see `traces/README.md`. */
export interface TraceRequest {
  /** Arrival in ms since the start. */
  readonly arrivalMs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** One id per 512 prompt tokens; equal ids are equal text. */
  readonly blockIds: readonly number[];
}

const blockTokens = 512;

/** Reads a trace, gzipped or not. Throws what the file system, gzip and JSON throw. */
export function readTrace(path: string): TraceRequest[] {
  const bytes = readFileSync(path);
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const { timestamp, input_length, output_length, hash_ids } = JSON.parse(line);
      return { arrivalMs: timestamp, inputTokens: input_length, outputTokens: output_length, blockIds: hash_ids };
    });
}

/**
 * A trace cut or repeated to `durationMs` at its own rate. Each repetition has ids of its own, so that it finds nothing
 * of the earlier ones in a cache; only id 0, the system prompt that begins every request, stays the same.
 */
export function extendTrace(trace: readonly TraceRequest[], durationMs: number): TraceRequest[] {
  const last = trace.at(-1);
  if (!last) return [];
  const spanMs = last.arrivalMs + last.arrivalMs / trace.length;
  const idsPerRepetition = 1 + trace.reduce((most, request) => Math.max(most, ...request.blockIds), 0);
  const extended: TraceRequest[] = [];
  for (let repetition = 0; ; repetition++) {
    for (const request of trace) {
      const arrivalMs = request.arrivalMs + repetition * spanMs;
      if (arrivalMs >= durationMs) return extended;
      const blockIds = request.blockIds.map((id) => (id === 0 ? 0 : id + repetition * idsPerRepetition));
      extended.push({ ...request, arrivalMs, blockIds });
    }
  }
}

/** The prompt's token ids: as many as the trace says, equal where block ids are equal. */
export function promptTokens(request: TraceRequest): Int32Array {
  const tokens = new Int32Array(request.inputTokens);
  for (let position = 0; position < tokens.length; position++) {
    const id = request.blockIds[Math.floor(position / blockTokens)] ?? -1;
    tokens[position] = (Math.imul(id + 1, 0x9e3779b1) ^ Math.imul(position, 0x85ebca6b)) >>> 1;
  }
  return tokens;
}
