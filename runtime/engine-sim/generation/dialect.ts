import type { Sequence } from './sequence.ts';

/** How a dialect (chat, completions, native, Anthropic, Ollama) puts generated sequences on the wire. */
export interface Dialect {
  readonly streamContentType: string;
  /** True where SGLang sends the head of a stream before the first token, false where with it. */
  readonly startsAtOnce: boolean;
  /**
   * Stream text for one step of a sequence: its token at `position`, or its end without a token (`position` undefined).
   * `sequence.end` is set with the last step.
   */
  step(sequence: Sequence, index: number, position: number | undefined): string;
  /** Stream text after the last sequence. */
  end(): string;
  /** Stream text that ends the stream because this sequence was refused or thrown out. */
  rejection(sequence: Sequence): string;
  /** The whole answer of a request that does not stream. */
  whole(): unknown;
}
