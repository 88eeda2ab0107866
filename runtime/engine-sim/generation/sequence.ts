import type { FinishReason } from '../core/types.ts';
import { digestOf, endOfText, extendDigest, type NextToken, nextWord, textEndsAfter } from '../language/next-token.ts';

/** How a sequence is generated, dialect-free. */
export interface SequenceSpec {
  readonly rid: string;
  readonly prompt: Int32Array;
  readonly maxNewTokens: number;
  readonly minNewTokens: number;
  readonly ignoreEos: boolean;
  readonly stopTexts: readonly string[];
  readonly stopTokens: readonly number[];
  /** Keeps the stop text in the output. */
  readonly keepStopText: boolean;
  /** Mean length of an answer that nothing else ends; 0 is endless. */
  readonly meanOutputTokens: number;
}

/** Why a sequence ended, in the shape of SGLang's `meta_info.finish_reason`. */
export type SequenceEnd =
  | { readonly type: 'stop'; readonly matched: number | string }
  | { readonly type: 'length'; readonly length: number }
  | {
      readonly type: 'abort';
      readonly message: string;
      readonly status_code?: number | null;
      readonly err_type?: null;
    };

/** Engine times of a sequence in milliseconds; undefined until it happened. */
export interface SequenceTimes {
  readonly submittedAt: number;
  firstTokenAt?: number;
  lastTokenAt?: number;
  finishedAt?: number;
}

/** One sequence in generation: its tokens, its text and why it ended. */
export class Sequence {
  readonly spec: SequenceSpec;
  readonly times: SequenceTimes;
  readonly outputIds: number[] = [];
  /** Text that each token adds, by position. */
  readonly pieces: string[] = [];
  /** What the output says so far, without a stop text that ended it. */
  text = '';
  end: SequenceEnd | null = null;
  /** An estimate until the sequence has finished. */
  cachedTokens: number;
  retractions = 0;
  #digest: number;

  constructor(spec: SequenceSpec, submittedAt: number, expectedCachedTokens: number) {
    this.spec = spec;
    this.times = { submittedAt };
    this.cachedTokens = Math.min(expectedCachedTokens, spec.prompt.length - 1);
    this.#digest = digestOf(spec.prompt);
  }

  get rid(): string {
    return this.spec.rid;
  }

  get promptTokens(): number {
    return this.spec.prompt.length;
  }

  get completionTokens(): number {
    return this.outputIds.length;
  }

  /** The core's token source: called once per position, in order. */
  generate(): { readonly token: number; readonly stop: boolean } {
    if (this.spec.maxNewTokens === 0) {
      // Prefill only: the pass makes a token all the same, which nobody sees.
      this.end = { type: 'length', length: 0 };
      return endOfText;
    }
    const next = this.#next();
    const { token } = next;
    this.#digest = extendDigest(this.#digest, token, this.promptTokens + this.completionTokens);
    this.outputIds.push(token);
    this.#append(next);
    return this.end?.type === 'stop' ? { token, stop: true } : next;
  }

  /** Takes over what the core says about the end. */
  finish(reason: FinishReason, cachedTokens: number, at: number): void {
    this.cachedTokens = cachedTokens;
    this.times.finishedAt = at;
    if (reason === 'abort') this.end = this.#abortEnd();
    this.end ??= { type: 'length', length: this.completionTokens };
  }

  reject(at: number): void {
    this.times.finishedAt = at;
    this.end = { type: 'abort', status_code: 503, message: 'The request queue is full.' };
  }

  recordToken(at: number): void {
    this.times.firstTokenAt ??= at;
    this.times.lastTokenAt = at;
  }

  #next(): NextToken {
    const { ignoreEos, minNewTokens, meanOutputTokens } = this.spec;
    const mayEnd = !ignoreEos && this.completionTokens >= minNewTokens;
    return mayEnd && textEndsAfter(this.#digest, meanOutputTokens) ? endOfText : nextWord(this.#digest);
  }

  #append(next: NextToken): void {
    let piece = next.text;
    // Length is looked at first, as in SGLang's check_finished: the last token of a full answer is no stop.
    if (this.completionTokens >= this.spec.maxNewTokens) {
      this.end = { type: 'length', length: this.completionTokens };
    } else if (next === endOfText || this.spec.stopTokens.includes(next.token)) {
      this.end = { type: 'stop', matched: next.token };
      piece = '';
    }
    const textBefore = this.text;
    this.text += piece;
    if (this.end === null && this.#cutAtStopText(piece.length)) piece = this.text.slice(textBefore.length);
    this.pieces.push(piece);
  }

  /** Ends the sequence when a stop text was completed by the last `addedLength` characters. */
  #cutAtStopText(addedLength: number): boolean {
    for (const stopText of this.spec.stopTexts) {
      const from = Math.max(0, this.text.length - addedLength - stopText.length);
      const at = stopText === '' ? -1 : this.text.indexOf(stopText, from);
      if (at < 0) continue;
      this.end = { type: 'stop', matched: stopText };
      this.text = this.text.slice(0, this.spec.keepStopText ? at + stopText.length : at);
      return true;
    }
    return false;
  }

  #abortEnd(): SequenceEnd {
    return this.times.firstTokenAt === undefined
      ? { type: 'abort', message: 'Abort in waiting queue' }
      : { type: 'abort', message: 'Aborted', status_code: null, err_type: null };
  }
}
