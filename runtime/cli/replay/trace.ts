import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { describeError } from '../../shared/errors.ts';

/** Tokens per id of a Mooncake trace. */
export const blockTokens = 512;

/** One row of a trace in the Mooncake format (kvcache-ai/Mooncake, FAST '25 release). */
export interface TraceRequest {
  /** Arrival in ms; only differences mean anything. */
  readonly timestampMs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** One id per 512 prompt tokens, the last block may be partial; equal ids are equal text. */
  readonly blockIds: readonly number[];
}

/** A trace that cannot be used; the message names the file, the line, the value and what to do. */
export class TraceError extends Error {
  override readonly name = 'TraceError';
}

/**
 * Parses one line.
 * @throws TraceError without the file name and line, which the caller knows
 */
export function parseTraceLine(line: string): TraceRequest {
  let row: unknown;
  try {
    row = JSON.parse(line);
  } catch (error) {
    throw new TraceError(`not JSON (${describeError(error)}): ${excerpt(line)}. Each line is one request object.`);
  }
  if (typeof row !== 'object' || row === null || Array.isArray(row)) {
    throw new TraceError(`expected an object, got ${excerpt(line)}.`);
  }
  const fields = row as Record<string, unknown>;
  const timestampMs = fields['timestamp'];
  if (typeof timestampMs !== 'number' || timestampMs < 0) {
    throw new TraceError(`timestamp is ${show(timestampMs)}; expected the arrival in ms, 0 or more.`);
  }
  const inputTokens = positiveInteger(fields, 'input_length');
  const outputTokens = positiveInteger(fields, 'output_length');
  const blockIds = fields['hash_ids'];
  if (!Array.isArray(blockIds) || !blockIds.every((id) => Number.isSafeInteger(id) && id >= 0)) {
    throw new TraceError(`hash_ids is ${show(blockIds)}; expected an array of whole numbers, 0 or more.`);
  }
  const expectedBlocks = Math.ceil(inputTokens / blockTokens);
  if (blockIds.length !== expectedBlocks) {
    throw new TraceError(
      `hash_ids has ${blockIds.length} ids but input_length ${inputTokens} takes ${expectedBlocks}, ` +
        `one per ${blockTokens} tokens. Correct the row or leave it out.`,
    );
  }
  return { timestampMs, inputTokens, outputTokens, blockIds };
}

/**
 * Reads a `.jsonl` or `.jsonl.gz` trace, at most `limit` requests of it; blank lines are skipped. Everything is checked
 * before anything is sent, so a bad row far down does not spoil a long run.
 * @throws TraceError
 */
export async function loadTrace(path: string, limit = Number.POSITIVE_INFINITY): Promise<TraceRequest[]> {
  const requests: TraceRequest[] = [];
  let lineNumber = 0;
  try {
    for await (const line of readLines(path)) {
      lineNumber++;
      if (line.trim() === '') continue;
      const request = parseTraceLine(line);
      const previous = requests.at(-1);
      if (previous !== undefined && request.timestampMs < previous.timestampMs) {
        throw new TraceError(
          `timestamp ${request.timestampMs} is before ${previous.timestampMs} of the request above. Sort the trace by timestamp.`,
        );
      }
      requests.push(request);
      if (requests.length >= limit) break;
    }
  } catch (error) {
    if (error instanceof TraceError) throw new TraceError(`${path}, line ${lineNumber}: ${error.message}`);
    throw new TraceError(
      `Cannot read ${path} (${describeError(error)}). Name a Mooncake trace that ends in .jsonl or .jsonl.gz; traces/README.md describes one.`,
      { cause: error },
    );
  }
  if (requests.length === 0) throw new TraceError(`${path} holds no request. Each line is one request object.`);
  return requests;
}

function readLines(path: string): AsyncIterable<string> {
  const file = createReadStream(path);
  // `pipeline` and not `pipe`: a file that cannot be read must fail the stream that is being read from.
  const text = path.endsWith('.gz') ? pipeline(file, createGunzip(), () => {}) : file;
  return createInterface({ input: text, crlfDelay: Number.POSITIVE_INFINITY });
}

function positiveInteger(fields: Record<string, unknown>, name: string): number {
  const value = fields[name];
  if (!Number.isSafeInteger(value) || (value as number) < 1) {
    throw new TraceError(`${name} is ${show(value)}; expected a number of tokens, 1 or more.`);
  }
  return value as number;
}

function show(value: unknown): string {
  return value === undefined ? 'missing' : excerpt(JSON.stringify(value));
}

function excerpt(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 60)}…`;
}
