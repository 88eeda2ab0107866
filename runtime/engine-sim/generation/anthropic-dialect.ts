import { eventStreamType } from '../../shared/sse.ts';
import { randomId } from '../http/random-id.ts';
import type { Dialect } from './dialect.ts';
import type { Sequence, SequenceEnd } from './sequence.ts';

export interface AnthropicDialectOptions {
  readonly model: string;
  readonly hasCacheReport: boolean;
}

/** The wire form of `/v1/messages`. Its `input_tokens` leave out what came from the cache. */
export class AnthropicDialect implements Dialect {
  readonly streamContentType = `${eventStreamType}; charset=utf-8`;
  readonly startsAtOnce = true;
  readonly #options: AnthropicDialectOptions;
  readonly #sequence: Sequence;
  readonly #id = `msg_${randomId()}`;
  #hasStarted = false;
  #hasBlock = false;

  constructor(sequence: Sequence, options: AnthropicDialectOptions) {
    this.#sequence = sequence;
    this.#options = options;
  }

  step(sequence: Sequence, _index: number, position: number | undefined): string {
    const piece = position === undefined ? '' : sequence.pieces[position]!;
    let text = this.#start();
    if (piece === '') return text;
    if (!this.#hasBlock) text += this.#openBlock();
    const delta = { type: 'text_delta', text: piece };
    return text + namedEvent({ type: 'content_block_delta', index: 0, delta });
  }

  end(): string {
    const delta = { stop_reason: stopReason(this.#sequence.end) };
    return (
      this.#start() +
      this.#closeBlock() +
      namedEvent({ type: 'message_delta', delta, usage: { output_tokens: this.#sequence.completionTokens } }) +
      namedEvent({ type: 'message_stop' })
    );
  }

  rejection({ end }: Sequence): string {
    const message = end?.type === 'abort' ? end.message : 'Upstream error';
    return this.errorEvents('overloaded_error', message);
  }

  /** Ends the stream, whatever state it is in, so that strict clients see every block closed. */
  errorEvents(type: string, message: string): string {
    const error = namedEvent({ type: 'error', error: { type, message } });
    return this.#start(true) + this.#closeBlock() + error + namedEvent({ type: 'message_stop' });
  }

  whole() {
    const { completionTokens, text, end } = this.#sequence;
    return {
      id: this.#id,
      type: 'message',
      role: 'assistant',
      content: [{ type: 'text', text }],
      model: this.#options.model,
      stop_reason: stopReason(end),
      usage: this.#usage(completionTokens),
    };
  }

  #start(isError = false): string {
    if (this.#hasStarted) return '';
    this.#hasStarted = true;
    const message = {
      id: this.#id,
      type: 'message',
      role: 'assistant',
      content: [],
      model: this.#options.model,
      usage: isError ? { input_tokens: 0, output_tokens: 0 } : this.#usage(0),
    };
    return namedEvent({ type: 'message_start', message });
  }

  #openBlock(): string {
    this.#hasBlock = true;
    return namedEvent({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } });
  }

  #closeBlock(): string {
    return this.#hasBlock ? namedEvent({ type: 'content_block_stop', index: 0 }) : '';
  }

  #usage(outputTokens: number) {
    const { promptTokens, cachedTokens } = this.#sequence;
    const cached = this.#options.hasCacheReport ? cachedTokens : 0;
    return {
      input_tokens: promptTokens - cached,
      output_tokens: outputTokens,
      ...(cached > 0 && { cache_read_input_tokens: cached }),
    };
  }
}

function namedEvent(event: { readonly type: string; readonly [field: string]: unknown }): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

function stopReason(end: SequenceEnd | null): string {
  return end?.type === 'length' ? 'max_tokens' : 'end_turn';
}
