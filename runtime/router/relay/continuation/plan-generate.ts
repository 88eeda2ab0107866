import type { BrokenStream, ContinuationPlan } from './broken-stream.ts';
import { CannotContinue } from './cannot-continue.ts';
import { type GenerateSent, readGenerateSent } from './generate-sent.ts';
import { GenerateSplice } from './generate-splice.ts';
import { closeHalfEvent } from './half-event.ts';
import { applyEdits, type Edit, Members } from './json-edit.ts';
import { nextBody } from './next-body.ts';
import { promptText } from './prompt-text.ts';
import type { RequestBody } from './request-body.ts';
import { readEvent, readSentEvents } from './sent-events.ts';
import { donePayload, EventSplicer, formatPayload } from './splicer.ts';
import { StopWatch } from './stop-across-cut.ts';
import { remainingTokens, type SpentTokens, tokenLimit } from './token-budget.ts';

const nothing = Buffer.alloc(0);
const done = Buffer.from(formatPayload(donePayload));

/** Throws CannotContinue and JsonScanError. */
export function planGenerate(request: RequestBody, broken: BrokenStream): ContinuationPlan {
  const { sent, opening, isDone } = readSent(broken);
  if (isDone) return { kind: 'finish', bytes: opening };
  const finish = sent.hasFinished ? '' : missingFinish(request, sent);
  if (finish !== undefined) {
    return { kind: 'finish', bytes: Buffer.concat([opening, Buffer.from(finish), done]) };
  }
  return continuing(request, broken, sent, opening);
}

function readSent(broken: BrokenStream): { sent: GenerateSent; opening: Buffer; isDone: boolean } {
  const { events, half, isDone } = readSentEvents(broken.sent);
  if (half.length === 0 || isDone)
    return { sent: readGenerateSent(events, broken.isIncremental), opening: nothing, isDone };
  // Ids and meta information cannot be closed halfway: only what is complete but for its line ends can.
  const closed = closeHalfEvent(half, []);
  if (!closed) throw new CannotContinue('it broke inside an event that the client has begun to read');
  const { completion: opening, payload } = closed;
  if (payload === donePayload) return { sent: readGenerateSent(events, broken.isIncremental), opening, isDone: true };
  const all = payload === undefined ? events : [...events, readEvent(payload)];
  return { sent: readGenerateSent(all, broken.isIncremental), opening, isDone };
}

/** The last event, when all that it has to say is why the text ended. */
function missingFinish(request: RequestBody, sent: GenerateSent): string | undefined {
  const { last, completionTokens } = sent;
  if (!last) return undefined;
  const stop = request.keepsStop ? request.stops.find((text) => sent.text.endsWith(text)) : undefined;
  const isFull = completionTokens > 0 && remainingTokens(request, completionTokens) === 0;
  if (stop === undefined && !isFull) return undefined;
  const limit = tokenLimit(request, completionTokens);
  const reason = stop === undefined ? { type: 'length', length: limit } : { type: 'stop', matched: stop };
  const members = new Members(last.bytes);
  const meta = members.object('meta_info');
  if (!meta) return undefined;
  const edits: Edit[] = [meta.set('finish_reason', JSON.stringify(reason))];
  if (sent.isIncremental) edits.push(members.set('text', '""'), members.set('output_ids', '[]'));
  return formatPayload(applyEdits(last.bytes, edits).toString('utf8'));
}

function continuing(request: RequestBody, broken: BrokenStream, sent: GenerateSent, opening: Buffer): ContinuationPlan {
  const { outputIds, settledIds } = sent;
  if (sent.isIncremental && outputIds && settledIds < outputIds.length) {
    throw new CannotContinue('the text of its last token is not complete');
  }
  const keptIds = outputIds?.slice(0, settledIds);
  const spent: SpentTokens = { tokens: keptIds?.length ?? sent.completionTokens, source: 'engine' };
  const progress = {
    text: promptText(sent.text),
    outputIds: keptIds ?? broken.textIds,
    promptIds: broken.promptIds,
    spent: spent.tokens,
    remaining: remainingTokens(request, spent.tokens),
  };
  const body = nextBody(request, progress, broken.rid);
  const stops = new StopWatch(request.stops, request.keepsStop, sent.text);
  const splice = new GenerateSplice({ sent, keptIds, spent: spent.tokens, stops });
  const splicer = new EventSplicer((payload) => splice.splice(payload));
  return { kind: 'continue', body, opening, splicer, spent, text: progress.text };
}
