import { routerError } from '../errors.ts';
import { JsonScanError, scanObject } from './json-scan.ts';
import type { Dialect } from './paths.ts';

/** What the relay needs to know of a request body. Offsets are bytes into the body. */
export interface RequestFacts {
  /** Undefined when the body names none. */
  readonly model: string | undefined;
  readonly isStream: boolean;
  /** The client's cap on generated tokens, undefined when it sets none. */
  readonly maxOutputTokens: number | undefined;
  /** The value that holds the prompt, as a byte range; empty when there is none. */
  readonly promptStart: number;
  readonly promptEnd: number;
  /** The client's own request id for the engine. */
  readonly rid: string | undefined;
  /** Where a `"rid":"...",` member may be spliced in, undefined when the request must not get one. */
  readonly ridOffset: number | undefined;
}

export const factsOfOpaqueBody: RequestFacts = {
  model: undefined,
  isStream: false,
  maxOutputTokens: undefined,
  promptStart: 0,
  promptEnd: 0,
  rid: undefined,
  ridOffset: undefined,
};

const promptKeys: Readonly<Record<Dialect, readonly string[]>> = {
  chat: ['messages'],
  messages: ['messages'],
  completions: ['prompt'],
  responses: ['input'],
  generate: ['input_ids', 'text'],
  embedding: ['input'],
  other: ['messages', 'prompt', 'text', 'input'],
};

/** Dialects whose request type in SGLang has a `rid`; elsewhere an unknown member could be refused. */
const ridDialects: ReadonlySet<Dialect> = new Set(['chat', 'completions', 'generate']);

const openBracket = 0x5b;

/**
 * Reads the facts from the top-level members of a JSON body, without parsing it. Of a key given twice the last one
 * counts, as in Python's parser. Throws MALFORMED_JSON.
 */
export function peek(body: Buffer, dialect: Dialect): RequestFacts {
  let model: string | undefined;
  let isStream = false;
  let maxOutputTokens: number | undefined;
  let promptStart = 0;
  let promptEnd = 0;
  let isBatch = false;
  let rid: string | undefined;
  let hasRid = false;
  const prompts = promptKeys[dialect];
  try {
    const inside = scanObject(body, (key, start, end) => {
      switch (key) {
        case 'model':
          model = readString(body, start, end);
          return;
        case 'stream':
          isStream = body[start] === 0x74; // t(rue)
          return;
        case 'max_tokens':
        case 'max_completion_tokens':
          maxOutputTokens = readCount(body, start, end);
          return;
        case 'sampling_params':
          maxOutputTokens = readNewTokens(body, start, end) ?? maxOutputTokens;
          return;
        case 'rid':
          hasRid = true;
          rid = readString(body, start, end);
          return;
        case 'n':
          isBatch ||= readCount(body, start, end) !== 1;
          return;
      }
      if (!prompts.includes(key)) return;
      promptStart = start;
      promptEnd = end;
      isBatch ||= dialect !== 'chat' && body[start] === openBracket && !isTokenIds(body, start, end);
    });
    const mayHaveRid = ridDialects.has(dialect) && !hasRid && !isBatch && promptEnd > 0;
    const ridOffset = mayHaveRid ? inside : undefined;
    return { model, isStream, maxOutputTokens, promptStart, promptEnd, rid, ridOffset };
  } catch (error) {
    if (!(error instanceof JsonScanError)) throw error;
    throw routerError('MALFORMED_JSON', { detail: error.message, offset: error.offset }, { cause: error });
  }
}

function readString(body: Buffer, start: number, end: number): string | undefined {
  if (body[start] !== 0x22) return undefined;
  try {
    return JSON.parse(body.toString('utf8', start, end)) as string;
  } catch {
    return undefined;
  }
}

function readCount(body: Buffer, start: number, end: number): number | undefined {
  const value = Number(body.toString('latin1', start, end));
  return Number.isInteger(value) && value >= 0 ? value : undefined;
}

function readNewTokens(body: Buffer, start: number, end: number): number | undefined {
  // A wrong guess costs only the quality of a prediction, so a search is enough.
  const digits = body
    .toString('latin1', start, Math.min(end, start + 4_096))
    .match(/"max_new_tokens"\s*:\s*(\d+)/)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Whether an array holds numbers (one tokenised prompt) rather than several prompts. */
function isTokenIds(body: Buffer, start: number, end: number): boolean {
  return /^\[\s*-?\d/.test(body.toString('latin1', start, Math.min(end, start + 64)));
}
