import { doneEvent, eventStreamType, formatEvent } from '../../shared/sse.ts';
import type { Dialect } from './dialect.ts';
import { type MetaInfoOptions, metaInfo } from './meta-info.ts';
import type { Sequence } from './sequence.ts';

export interface NativeDialectOptions {
  /** Events carry only what is new (`--incremental-streaming-output`) instead of everything so far. */
  readonly isIncremental: boolean;
  /** The answer to a list of prompts is a list. */
  readonly isBatch: boolean;
  readonly metaInfo: MetaInfoOptions;
}

/** The wire form of `/generate`, SGLang 0.5.23: text and ids are cumulative unless told otherwise. */
export class NativeDialect implements Dialect {
  readonly streamContentType = `${eventStreamType}; charset=utf-8`;
  readonly startsAtOnce = true;
  readonly #options: NativeDialectOptions;
  readonly #sequences: readonly Sequence[];
  readonly #sentTexts = new Map<Sequence, string>();

  constructor(sequences: readonly Sequence[], options: NativeDialectOptions) {
    this.#sequences = sequences;
    this.#options = options;
  }

  step(sequence: Sequence, index: number, position: number | undefined): string {
    const tokens = position === undefined ? sequence.completionTokens : position + 1;
    const isLast = sequence.end !== null && tokens === sequence.completionTokens;
    const piece = position === undefined ? '' : sequence.pieces[position]!;
    const textSoFar = (this.#sentTexts.get(sequence) ?? '') + piece;
    this.#sentTexts.set(sequence, textSoFar);
    const { isIncremental, isBatch } = this.#options;
    const event = {
      text: isIncremental ? piece : isLast ? sequence.text : textSoFar,
      output_ids: sequence.outputIds.slice(isIncremental ? (position ?? tokens) : 0, tokens),
      meta_info: metaInfo(sequence, tokens, isLast, this.#options.metaInfo),
      ...(isBatch && { index }),
    };
    return formatEvent(JSON.stringify(event));
  }

  end(): string {
    return doneEvent;
  }

  /** An ordinary last event whose finish reason is `abort` with status code 503. */
  rejection(sequence: Sequence): string {
    return this.step(sequence, this.#sequences.indexOf(sequence), undefined) + doneEvent;
  }

  whole() {
    const answers = this.#sequences.map((sequence) => ({
      text: sequence.text,
      output_ids: sequence.outputIds,
      meta_info: metaInfo(sequence, sequence.completionTokens, true, this.#options.metaInfo),
    }));
    return this.#options.isBatch ? answers : answers[0];
  }
}
