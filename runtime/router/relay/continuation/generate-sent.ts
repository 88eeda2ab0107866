import { CannotContinue } from './cannot-continue.ts';
import { isCount, isObject, isTokenIds } from './event-fields.ts';
import type { SentEvent } from './sent-events.ts';

/** Fields of a /generate event that the relay reads; every one may be missing. */
export interface GenerateEvent {
  readonly text?: string;
  readonly output_ids?: readonly number[];
  readonly meta_info?: {
    readonly completion_tokens?: number;
    readonly finish_reason?: { readonly type?: string } | null;
    readonly output_token_logprobs?: unknown;
  };
  readonly index?: number;
}

/** What a client has received of a /generate stream. */
export interface GenerateSent {
  /** Events hold only what is new (`--incremental-streaming-output`) instead of everything so far. */
  readonly isIncremental: boolean;
  readonly text: string;
  /** Undefined when the engine sends none. */
  readonly outputIds: readonly number[] | undefined;
  readonly completionTokens: number;
  /**
   * How many ids have their whole text in `text`. An engine holds the text of an incomplete character back, and a second
   * engine would take it for said if the ids behind this were given to it.
   */
  readonly settledIds: number;
  readonly hasFinished: boolean;
  readonly last: SentEvent | undefined;
}

/**
 * @param isIncrementalHint decides when one event alone does not tell; default false, as SGLang's
 * @throws CannotContinue for a stream of several prompts or with log-probabilities
 */
export function readGenerateSent(events: readonly SentEvent[], isIncrementalHint = false): GenerateSent {
  const parsed = events.map((event) => event.parsed as GenerateEvent);
  parsed.forEach(expectPlain);
  const isIncremental = isIncrementalStream(parsed) ?? isIncrementalHint;
  let text = '';
  let ids: readonly number[] | undefined;
  let settledIds = 0;
  for (const event of parsed) {
    const textBefore = text;
    const ownIds = event.output_ids;
    text = isIncremental ? text + (event.text ?? '') : (event.text ?? text);
    ids = isIncremental && ids && ownIds ? [...ids, ...ownIds] : (ownIds ?? ids);
    // A server without a tokenizer sends no text at all.
    if (text !== textBefore || event.text === undefined) settledIds = ids?.length ?? 0;
  }
  const last = parsed.at(-1);
  return {
    isIncremental,
    text,
    outputIds: ids,
    completionTokens: last?.meta_info?.completion_tokens ?? ids?.length ?? 0,
    settledIds,
    hasFinished: Boolean(last?.meta_info?.finish_reason),
    last: events.at(-1),
  };
}

/** Undefined when the events look the same either way. */
function isIncrementalStream(events: readonly GenerateEvent[]): boolean | undefined {
  for (const { output_ids: ids, meta_info: info } of events) {
    const tokens = info?.completion_tokens;
    if (ids && tokens !== undefined && ids.length !== tokens) return true;
  }
  return events.length > 1 ? false : undefined;
}

/** Whether the fields that a continuation needs are of their types. */
export function isGenerateEvent({ text, output_ids: ids, meta_info: info }: GenerateEvent): boolean {
  const hasText = text === undefined || typeof text === 'string';
  const hasIds = ids !== null && isTokenIds(ids);
  const tokens = info?.completion_tokens;
  return hasText && hasIds && isObject(info) && (tokens === undefined || isCount(tokens));
}

function expectPlain(event: GenerateEvent): void {
  if (!isGenerateEvent(event)) throw new CannotContinue('an event that was sent is not readable');
  const { index, meta_info: info } = event;
  if (index !== undefined && index !== 0) throw new CannotContinue('it has several prompts');
  if (info?.output_token_logprobs) throw new CannotContinue('it carries log-probabilities');
}
