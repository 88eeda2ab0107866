import { eventStreamType } from '../../shared/sse.ts';
import { randomId } from '../http/random-id.ts';
import type { Dialect } from './dialect.ts';
import { openAiError } from './openai-error.ts';
import type { Sequence } from './sequence.ts';

export interface ResponsesDialectOptions {
  readonly model: string;
  readonly instructions: string | null;
  readonly maxOutputTokens: number | null;
  readonly hasCacheReport: boolean;
}

/** The wire form of `/v1/responses`: named events with running numbers, the whole response in the last one. */
export class ResponsesDialect implements Dialect {
  readonly streamContentType = `${eventStreamType}; charset=utf-8`;
  readonly startsAtOnce = true;
  readonly #options: ResponsesDialectOptions;
  readonly #sequence: Sequence;
  readonly #id = `resp_${randomId()}`;
  readonly #itemId = `msg_${randomId()}`;
  readonly #createdAt = Math.floor(Date.now() / 1_000);
  #events = 0;

  constructor(sequence: Sequence, options: ResponsesDialectOptions) {
    this.#sequence = sequence;
    this.#options = options;
  }

  step(sequence: Sequence, _index: number, position: number | undefined): string {
    const delta = position === undefined ? '' : sequence.pieces[position]!;
    const start = this.#start();
    return delta === '' ? start : start + this.#part('response.output_text.delta', { delta, logprobs: [] });
  }

  end(): string {
    const { text } = this.#sequence;
    const response = this.whole();
    const item = this.#item('completed');
    return (
      this.#start() +
      this.#part('response.output_text.done', { text, logprobs: [] }) +
      this.#part('response.content_part.done', { part: this.#textPart(text) }) +
      this.#event('response.output_item.done', { output_index: 0, item }) +
      this.#event(response.status === 'incomplete' ? 'response.incomplete' : 'response.completed', { response })
    );
  }

  rejection({ end }: Sequence): string {
    const message = end?.type === 'abort' ? end.message : 'Generation aborted.';
    return this.#event('error', openAiError(503, 'SERVICE_UNAVAILABLE', message));
  }

  whole() {
    const isCut = this.#sequence.end?.type === 'length';
    return this.#response(isCut ? 'incomplete' : 'completed', [this.#item('completed')]);
  }

  #start(): string {
    if (this.#events > 0) return '';
    const response = this.#response('in_progress', []);
    return (
      this.#event('response.created', { response }) +
      this.#event('response.in_progress', { response }) +
      this.#event('response.output_item.added', { output_index: 0, item: this.#item('in_progress') }) +
      this.#part('response.content_part.added', { part: this.#textPart('') })
    );
  }

  #part(type: string, fields: object): string {
    return this.#event(type, { item_id: this.#itemId, output_index: 0, content_index: 0, ...fields });
  }

  #event(type: string, fields: object): string {
    return `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: this.#events++, ...fields })}\n\n`;
  }

  #textPart(text: string) {
    return { annotations: [], text, type: 'output_text', logprobs: null };
  }

  #item(status: 'in_progress' | 'completed') {
    const content = status === 'completed' ? [this.#textPart(this.#sequence.text)] : [];
    return { id: this.#itemId, content, role: 'assistant', status, type: 'message', phase: 'final_answer' };
  }

  #response(status: string, output: readonly object[]) {
    const { instructions, maxOutputTokens, model } = this.#options;
    return {
      id: this.#id,
      object: 'response',
      created_at: this.#createdAt,
      model,
      output,
      status,
      usage: status === 'in_progress' ? null : this.#usage(),
      parallel_tool_calls: true,
      tool_choice: 'auto',
      tools: [],
      error: null,
      incomplete_details: status === 'incomplete' ? { reason: 'max_output_tokens' } : null,
      instructions,
      max_output_tokens: maxOutputTokens,
      previous_response_id: null,
      reasoning: { effort: null, summary: null },
      store: true,
      temperature: null,
      text: { format: { type: 'text' } },
      top_p: null,
      truncation: 'disabled',
      user: null,
      metadata: {},
    };
  }

  #usage() {
    const { promptTokens, cachedTokens, completionTokens } = this.#sequence;
    return {
      input_tokens: promptTokens,
      input_tokens_details: { cached_tokens: this.#options.hasCacheReport ? cachedTokens : 0, cache_write_tokens: 0 },
      output_tokens: completionTokens,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: promptTokens + completionTokens,
    };
  }
}
