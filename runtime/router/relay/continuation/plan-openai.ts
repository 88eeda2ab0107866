import type { BrokenStream, ContinuationPlan } from './broken-stream.ts';
import { CannotContinue } from './cannot-continue.ts';
import { closeHalfEvent } from './half-event.ts';
import { applyEdits, Members } from './json-edit.ts';
import { nextBody, ridEdits } from './next-body.ts';
import { finishPayload, usagePayload } from './openai-closing.ts';
import { type OpenAiSent, readOpenAiSent } from './openai-sent.ts';
import { OpenAiSplice, type OpenAiSpliceOptions } from './openai-splice.ts';
import { promptText } from './prompt-text.ts';
import type { RequestBody } from './request-body.ts';
import { readEvent, readSentEvents } from './sent-events.ts';
import { donePayload, EventSplicer, formatPayload } from './splicer.ts';
import { StopWatch } from './stop-across-cut.ts';
import { budgetEdits, remainingTokens, type SpentTokens, tokenLimit } from './token-budget.ts';
import { usageEdits } from './usage-sum.ts';

const nothing = Buffer.alloc(0);

/** Throws CannotContinue and JsonScanError. */
export function planOpenAi(request: RequestBody, broken: BrokenStream): ContinuationPlan {
  const { sent, opening, isDone } = readSent(request, broken);
  if (isDone) return { kind: 'finish', bytes: opening };
  const spent = spentTokens(sent, broken);
  const end = endOf(request, sent, spent.tokens);
  return end
    ? finishing(request, broken, sent, spent, opening, end)
    : continuing(request, broken, sent, spent, opening);
}

interface Received {
  readonly sent: OpenAiSent;
  /** Completes an event that the client has half. */
  readonly opening: Buffer;
  readonly isDone: boolean;
}

function readSent({ dialect }: RequestBody, broken: BrokenStream): Received {
  const { events, half, isDone } = readSentEvents(broken.sent);
  if (half.length === 0 || isDone) return { sent: readOpenAiSent(dialect, events), opening: nothing, isDone };
  const closed = closeHalfEvent(half, events);
  if (!closed) throw new CannotContinue('it broke inside an event that the client has begun to read');
  const { completion: opening, payload } = closed;
  if (payload === donePayload) return { sent: readOpenAiSent(dialect, events), opening, isDone: true };
  const all = payload === undefined ? events : [...events, readEvent(payload)];
  return { sent: readOpenAiSent(dialect, all), opening, isDone };
}

function spentTokens(sent: OpenAiSent, { textIds }: BrokenStream): SpentTokens {
  if (sent.usage) return { tokens: sent.usage.completion_tokens, source: 'engine' };
  if (sent.outputIds) return { tokens: sent.outputIds.length, source: 'engine' };
  if (textIds) return { tokens: Math.max(textIds.length, sent.tokenEvents), source: 'tokenizer' };
  return { tokens: sent.tokenEvents, source: 'events' };
}

interface TextEnd {
  readonly reason: string;
  readonly matchedStop: string | null;
  /** Whether the client has been told. */
  readonly isSent: boolean;
}

/** Why the text is complete, undefined when it is not. */
function endOf(request: RequestBody, sent: OpenAiSent, spent: number): TextEnd | undefined {
  if (sent.finishReason) return { reason: sent.finishReason, matchedStop: null, isSent: true };
  const stop = request.keepsStop ? request.stops.find((text) => sent.text.endsWith(text)) : undefined;
  if (stop !== undefined) return { reason: 'stop', matchedStop: stop, isSent: false };
  if (spent > 0 && remainingTokens(request, spent) === 0) return { reason: 'length', matchedStop: null, isSent: false };
  return undefined;
}

function finishing(
  request: RequestBody,
  broken: BrokenStream,
  sent: OpenAiSent,
  spent: SpentTokens,
  opening: Buffer,
  end: TextEnd,
): ContinuationPlan {
  const finish = end.isSent
    ? ''
    : formatPayload(finishPayload(request.dialect, sent.head, end.reason, end.matchedStop));
  const start = Buffer.concat([opening, Buffer.from(finish)]);
  const total = totalTokens(request, end, spent.tokens);
  const isUsageMissing = request.wantsUsage && !sent.hasUsageChunk;
  if (isUsageMissing && !sent.usage) {
    // Only an engine knows the length of the prompt: the same request for one token tells it.
    const edits = [...ridEdits(request, broken.rid), ...budgetEdits(request, Number.POSITIVE_INFINITY, 1)];
    const body = applyEdits(request.bytes, edits);
    const splicer = splicerFor({ request, sent, spent: total, isExtended: false, wantsUsageOnly: true });
    return { kind: 'continue', body, opening: start, splicer, spent, text: promptText(sent.text) };
  }
  const usage = isUsageMissing ? formatPayload(usagePayload(sent.head, finalUsage(sent.usage!.raw, total))) : '';
  return { kind: 'finish', bytes: Buffer.concat([start, Buffer.from(usage + formatPayload(donePayload))]) };
}

/** Tokens of a complete answer whose last chunk with text left `spent`. */
function totalTokens(request: RequestBody, { reason, isSent }: TextEnd, spent: number): number {
  if (reason === 'length') return tokenLimit(request, spent) ?? spent;
  // The token that ends a chat answer has no text, hence no chunk that counts it.
  return request.dialect === 'chat' && isSent && reason === 'stop' ? spent + 1 : spent;
}

/** The usage that an engine stated last, for all tokens of the answer. */
function finalUsage(raw: string, totalTokens: number): string {
  const members = new Members(Buffer.from(raw));
  const sum = { sent: undefined, spent: 0, promptOffset: 0, totalTokens };
  return applyEdits(members.bytes, usageEdits(members, sum)).toString('utf8');
}

function continuing(
  request: RequestBody,
  broken: BrokenStream,
  sent: OpenAiSent,
  spent: SpentTokens,
  opening: Buffer,
): ContinuationPlan {
  if (sent.textLagsIds) throw new CannotContinue('the text of its last token is not complete');
  const text = promptText(sent.text);
  const outputIds = sent.outputIds ?? broken.textIds;
  const progress = {
    text,
    outputIds: request.dialect === 'chat' ? undefined : outputIds,
    promptIds: sent.promptIds,
    spent: spent.tokens,
    remaining: remainingTokens(request, spent.tokens),
  };
  const body = nextBody(request, progress, broken.rid);
  const isExtended = text !== '' || Boolean(progress.outputIds?.length);
  const splicer = splicerFor({ request, sent, spent: spent.tokens, isExtended, wantsUsageOnly: false });
  return { kind: 'continue', body, opening, splicer, spent, text };
}

function splicerFor(options: Omit<OpenAiSpliceOptions, 'stops'>): EventSplicer {
  const { request, sent } = options;
  const stops = new StopWatch(request.stops, request.keepsStop, sent.text);
  const splice = new OpenAiSplice({ ...options, stops });
  return new EventSplicer((payload) => splice.splice(payload));
}
