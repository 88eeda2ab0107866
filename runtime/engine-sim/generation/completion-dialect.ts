import { doneEvent, eventStreamType, formatEvent } from '../../shared/sse.ts';
import type { Dialect } from './dialect.ts';
import { completionLogprobs } from './log-probabilities.ts';
import { streamedError } from './openai-error.ts';
import type { Sequence } from './sequence.ts';
import { usageAfter, usageOf, weightMetadata } from './usage.ts';

export interface CompletionDialectOptions {
  readonly model: string;
  readonly choicesPerPrompt: number;
  /** Number of alternatives, undefined without log-probabilities. */
  readonly logprobs: number | undefined;
  /** Prompt texts by prompt, to put in front of the answer; undefined without `echo`. */
  readonly echo: readonly string[] | undefined;
  readonly includeUsage: boolean;
  readonly continuousUsage: boolean;
  readonly hasCacheReport: boolean;
  readonly returnTokenIds: boolean;
}

/** The wire form of `/v1/completions`, SGLang 0.5.23. Unlike chat, the last text chunk carries the finish reason. */
export class CompletionDialect implements Dialect {
  readonly streamContentType = `${eventStreamType}; charset=utf-8`;
  readonly startsAtOnce = false;
  readonly #options: CompletionDialectOptions;
  readonly #sequences: readonly Sequence[];
  readonly #created = Math.floor(Date.now() / 1_000);
  readonly #started = new Set<Sequence>();
  #lastId = '';

  constructor(sequences: readonly Sequence[], options: CompletionDialectOptions) {
    this.#sequences = sequences;
    this.#options = options;
  }

  step(sequence: Sequence, index: number, position: number | undefined): string {
    const { logprobs, continuousUsage, hasCacheReport, returnTokenIds } = this.#options;
    const isFirst = !this.#started.has(sequence);
    this.#started.add(sequence);
    this.#lastId = sequence.rid;
    const isLast = sequence.end !== null && (position === undefined || position === sequence.completionTokens - 1);
    const piece = position === undefined ? '' : sequence.pieces[position]!;
    const end = isLast ? sequence.end : null;
    const choice = {
      index,
      text: isFirst ? this.#echoText(index) + piece : piece,
      logprobs:
        logprobs === undefined || position === undefined
          ? null
          : completionLogprobs(sequence, position, position + 1, logprobs),
      finish_reason: end?.type ?? null,
      matched_stop: end?.type === 'stop' ? end.matched : null,
      ...(returnTokenIds && { token_ids: position === undefined ? [] : [sequence.outputIds[position]] }),
      ...(returnTokenIds && isFirst && { prompt_token_ids: [...sequence.spec.prompt] }),
    };
    const usage = continuousUsage
      ? usageAfter(sequence, position ?? sequence.completionTokens - 1, hasCacheReport)
      : null;
    return formatEvent(JSON.stringify({ ...this.#chunkHead(sequence.rid), choices: [choice], usage }));
  }

  end(): string {
    if (!this.#options.includeUsage) return doneEvent;
    const usage = usageOf(this.#sequences, this.#options.choicesPerPrompt, this.#options.hasCacheReport);
    return formatEvent(JSON.stringify({ ...this.#chunkHead(this.#lastId), choices: [], usage })) + doneEvent;
  }

  rejection(sequence: Sequence): string {
    return streamedError(sequence) + doneEvent;
  }

  whole() {
    const first = this.#sequences[0]!;
    const usage = usageOf(this.#sequences, this.#options.choicesPerPrompt, this.#options.hasCacheReport);
    return {
      id: first.rid,
      object: 'text_completion',
      created: Math.floor(Date.now() / 1_000),
      model: this.#options.model,
      choices: this.#sequences.map((sequence, index) => this.#choice(sequence, index)),
      usage: { ...usage, completion_tokens_details: null },
      metadata: weightMetadata(first),
    };
  }

  #choice(sequence: Sequence, index: number) {
    const { logprobs, returnTokenIds } = this.#options;
    const { end } = sequence;
    return {
      index,
      text: this.#echoText(index) + sequence.text,
      logprobs: logprobs === undefined ? null : completionLogprobs(sequence, 0, sequence.completionTokens, logprobs),
      finish_reason: end?.type ?? null,
      matched_stop: end?.type === 'stop' ? end.matched : null,
      ...(returnTokenIds && { token_ids: sequence.outputIds, prompt_token_ids: [...sequence.spec.prompt] }),
    };
  }

  #echoText(index: number): string {
    return this.#options.echo?.[Math.floor(index / this.#options.choicesPerPrompt)] ?? '';
  }

  #chunkHead(id: string) {
    return { id, object: 'text_completion', created: this.#created, model: this.#options.model };
  }
}
