import { applyEdits, type Edit, elementsOf, escaped, Members } from './json-edit.ts';
import { isOpenAiChunk, type OpenAiChoice, type OpenAiChunk, textOf, usageOf } from './openai-chunk.ts';
import { finishPayload } from './openai-closing.ts';
import type { OpenAiSent } from './openai-sent.ts';
import type { RequestBody } from './request-body.ts';
import { parseObject } from './sent-events.ts';
import { donePayload } from './splicer.ts';
import type { StopAcrossCut, StopWatch } from './stop-across-cut.ts';
import { usageEdits } from './usage-sum.ts';

export interface OpenAiSpliceOptions {
  readonly request: RequestBody;
  readonly sent: OpenAiSent;
  /** Tokens of the first part; the next engine counts them as prompt when it was given their text. */
  readonly spent: number;
  /** Whether the next engine's prompt holds the first part. */
  readonly isExtended: boolean;
  /** The text has been sent whole: only the usage is wanted of the next engine. */
  readonly wantsUsageOnly: boolean;
  readonly stops: StopWatch;
}

/** Makes chunks of a chat or completions stream continue the one that the client has begun to read. */
export class OpenAiSplice {
  readonly #options: OpenAiSpliceOptions;
  #hasRole: boolean;
  #dropsText: boolean;
  /** Tokens of the whole answer once they are settled without the next engine's count. */
  #totalTokens: number | undefined;
  #tokenEvents = 0;

  constructor(options: OpenAiSpliceOptions) {
    this.#options = options;
    this.#hasRole = options.sent.hasRole;
    this.#dropsText = options.wantsUsageOnly;
    this.#totalTokens = options.wantsUsageOnly ? options.spent : undefined;
  }

  splice(payload: string): readonly string[] {
    const chunk = parseObject(payload);
    if (!chunk || chunk['error'] || !isOpenAiChunk(chunk)) return [payload];
    const choice = chunk.choices?.[0];
    if (!choice) return [this.#rewrite(payload)];
    if (this.#dropsText) return [];
    const piece = textOf(choice);
    if (this.#options.request.dialect === 'completions' || piece !== '') this.#tokenEvents++;
    if (this.#hasRole && choice.delta?.role && piece === '' && !choice.finish_reason) return [];
    const stop = this.#options.stops.push(piece);
    if (stop) return this.#stopHere(payload, chunk, piece, stop);
    const edits = choiceEdits(payload, choice, this.#hasRole, this.#options.isExtended);
    this.#hasRole ||= Boolean(choice.delta?.role);
    return [this.#rewrite(payload, edits)];
  }

  #stopHere(payload: string, chunk: OpenAiChunk, piece: string, { stop, keep }: StopAcrossCut): string[] {
    const { request, sent, spent } = this.#options;
    const payloads: string[] = [];
    if (keep > 0) {
      const kept = choiceMembers(payload, request.dialect).set(textKey(request), `"${escaped(piece.slice(0, keep))}"`);
      const open = choiceMembers(payload).set('finish_reason', 'null');
      const matched = choiceMembers(payload).set('matched_stop', 'null');
      payloads.push(this.#rewrite(payload, [kept, open, matched]));
    }
    payloads.push(finishPayload(request.dialect, sent.head, 'stop', stop));
    this.#dropsText = true;
    this.#totalTokens = spent + (usageOf(chunk)?.completion_tokens ?? this.#tokenEvents);
    // The usage chunk is worth waiting for: only the engine knows the length of the prompt.
    return request.wantsUsage ? payloads : [...payloads, donePayload];
  }

  #rewrite(payload: string, choiceEdits: readonly Edit[] = []): string {
    const { sent, spent, isExtended } = this.#options;
    const members = new Members(Buffer.from(payload));
    const edits = [...choiceEdits];
    for (const key of ['id', 'created', 'model'] as const) {
      const raw = sent.head?.[key];
      if (raw !== undefined && members.range(key)) edits.push(members.set(key, raw));
    }
    const usage = members.object('usage');
    if (usage) {
      const promptOffset = isExtended ? spent : 0;
      edits.push(...usageEdits(usage, { sent: sent.usage, spent, promptOffset, totalTokens: this.#totalTokens }));
    }
    return applyEdits(members.bytes, edits).toString('utf8');
  }
}

function textKey({ dialect }: RequestBody): string {
  return dialect === 'chat' ? 'content' : 'text';
}

/** The members of the first choice, or of its delta for chat. */
function choiceMembers(payload: string, dialect?: string): Members {
  const bytes = Buffer.from(payload);
  const choices = new Members(bytes).range('choices')!;
  const choice = new Members(bytes, elementsOf(bytes, choices)[0]);
  return dialect === 'chat' ? choice.object('delta')! : choice;
}

function choiceEdits(payload: string, choice: OpenAiChoice, hasRole: boolean, isExtended: boolean): Edit[] {
  const edits: Edit[] = [];
  if (hasRole && choice.delta?.role) edits.push(choiceMembers(payload, 'chat').set('role', 'null'));
  // Of the next engine the first part of the answer is prompt; the client has been told of its own.
  if (isExtended && choice.prompt_token_ids) edits.push(choiceMembers(payload).set('prompt_token_ids', 'null'));
  return edits;
}
