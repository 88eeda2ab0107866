import { isCount, isObject } from './event-fields.ts';
import { type GenerateEvent, type GenerateSent, isGenerateEvent } from './generate-sent.ts';
import { applyEdits, type Edit, escaped, Members } from './json-edit.ts';
import { parseObject } from './sent-events.ts';
import { donePayload } from './splicer.ts';
import type { StopWatch } from './stop-across-cut.ts';

export interface GenerateSpliceOptions {
  readonly sent: GenerateSent;
  /** Ids of the first part that stay; the next engine generates the rest again. Undefined when they are not known. */
  readonly keptIds: readonly number[] | undefined;
  /** Tokens of the first part that stay. */
  readonly spent: number;
  readonly stops: StopWatch;
}

/** Facts of the first engine about the prompt, which the next one sees longer and cached otherwise. */
const promptFacts = ['id', 'prompt_tokens', 'cached_tokens', 'cached_tokens_details', 'prompt_token_ids'];

/** Makes /generate events continue the stream that the client has begun to read. */
export class GenerateSplice {
  readonly #options: GenerateSpliceOptions;
  /** Length of the next engine's text before the event at hand. */
  #textLength = 0;

  constructor(options: GenerateSpliceOptions) {
    this.#options = options;
  }

  splice(payload: string): readonly string[] {
    const { sent, spent, stops } = this.#options;
    const event = parseObject(payload) as (GenerateEvent & { error?: unknown }) | undefined;
    if (!event || event.error || !isGenerateEvent(event)) return [payload];
    const text = event.text ?? '';
    const piece = sent.isIncremental ? text : text.slice(this.#textLength);
    this.#textLength = text.length;
    const stop = stops.push(piece);
    if (stop) {
      const pieceStart = text.length - piece.length;
      const kept = text.slice(0, pieceStart + stop.keep);
      const matched = JSON.stringify({ type: 'stop', matched: stop.stop });
      return [this.#rewrite(payload, event, kept, matched), donePayload];
    }
    const hasFinished = Boolean(event.meta_info!.finish_reason);
    // Ids whose text the client lacks are generated again: an event must not take back what it has.
    const tokens = spent + (event.meta_info!.completion_tokens ?? Number.POSITIVE_INFINITY);
    if (!hasFinished && !sent.isIncremental && tokens <= sent.completionTokens) return [];
    return [this.#rewrite(payload, event, text)];
  }

  #rewrite(payload: string, event: GenerateEvent, text: string, finishReason?: string): string {
    const { sent, keptIds = [] } = this.#options;
    const members = new Members(Buffer.from(payload));
    const edits: Edit[] = [];
    const textBefore = sent.isIncremental ? '' : sent.text;
    if (event.text !== undefined) edits.push(members.set('text', `"${escaped(textBefore + text)}"`));
    if (event.output_ids && !sent.isIncremental) {
      edits.push(members.set('output_ids', JSON.stringify([...keptIds, ...event.output_ids])));
    }
    edits.push(...this.#metaEdits(members.object('meta_info')!, finishReason));
    return applyEdits(members.bytes, edits).toString('utf8');
  }

  #metaEdits(meta: Members, finishReason: string | undefined): Edit[] {
    const { sent, spent } = this.#options;
    const edits: Edit[] = [];
    const before = sent.last && new Members(sent.last.bytes).object('meta_info');
    for (const key of promptFacts) {
      const raw = before?.raw(key);
      if (raw !== undefined && meta.range(key)) edits.push(meta.set(key, raw));
    }
    const tokens = meta.value('completion_tokens');
    if (isCount(tokens)) edits.push(meta.set('completion_tokens', String(spent + tokens)));
    if (finishReason) return [...edits, meta.set('finish_reason', finishReason)];
    const finish = meta.object('finish_reason');
    const length = finish?.value('length');
    if (isCount(length)) edits.push(finish!.set('length', String(spent + length)));
    const versions = meta.value('weight_versions');
    if (Array.isArray(versions) && versions.every(isSpan))
      edits.push(meta.set('weight_versions', JSON.stringify(shifted(versions, spent))));
    return edits;
  }
}

interface WeightSpan {
  readonly start: number;
  readonly end: number;
}

function isSpan(value: unknown): value is WeightSpan {
  return isObject(value) && isCount(value['start']) && isCount(value['end']);
}

/** Spans of output tokens by the weights that made them; the first part is counted to those of the first span. */
function shifted(versions: readonly WeightSpan[], by: number): WeightSpan[] {
  return versions.map((span, i) => ({ ...span, start: i === 0 ? span.start : span.start + by, end: span.end + by }));
}
