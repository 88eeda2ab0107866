import type { ContinuableDialect } from './request-body.ts';
import type { Splicer } from './splicer.ts';
import type { SpentTokens } from './token-budget.ts';

/** A stream that broke off, and what is known to continue it with. */
export interface BrokenStream {
  readonly dialect: ContinuableDialect;
  /** The client's body as the first engine got it, with its `rid`. The same one for a second break. */
  readonly body: Buffer;
  /** Everything that was passed to the client as event stream, in order: of all engines so far, comments included. */
  readonly sent: readonly Buffer[];
  /** The request's id on the next engine. Used when the body has one. */
  readonly rid: string;
  /** Ids of `plan.text` from an engine's `/tokenize` without special tokens: a better count than that of events. */
  readonly textIds?: readonly number[];
  /** Ids of the request's own prompt from an engine's `/tokenize`, for /generate with `text`: continues by ids, exactly. */
  readonly promptIds?: readonly number[];
  /** Whether the engines run with `--incremental-streaming-output`; matters when only one event was sent. */
  readonly isIncremental?: boolean;
}

export type ContinuationPlan =
  /** Send `body` to another engine and pass its answer through `splicer`. */
  | {
      readonly kind: 'continue';
      readonly body: Buffer;
      /** To write to the client at once, may be empty; counts as sent. */
      readonly opening: Buffer;
      readonly splicer: Splicer;
      readonly spent: SpentTokens;
      /** The text so far as the next engine is given it; its tokens are `textIds`. */
      readonly text: string;
    }
  /** No engine is needed: write `bytes`, which may be empty, and end the stream. */
  | { readonly kind: 'finish'; readonly bytes: Buffer }
  | { readonly kind: 'cannot'; readonly reason: string };
