/** Messages between the benchmark and its two other processes. Times in ms. */

/** How the engine stub answers generation requests from now on. */
export type AnswerMode =
  | { readonly kind: 'json' }
  | {
      readonly kind: 'stream';
      readonly events: number;
      /** Between two events of a stream. */
      readonly intervalMs: number;
      /** Each event carries the time at which it was sent, as `readStampMs` finds it. */
      readonly isStamped: boolean;
    }
  /** Events as fast as the connection takes them. */
  | { readonly kind: 'flood'; readonly totalBytes: number };

export interface RequestShape {
  /** Size of the prompt that no other request has. */
  readonly uniqueBytes: number;
  /** Size of the prompt part that all requests begin with. */
  readonly sharedBytes: number;
  readonly stream: boolean;
}

interface ToPort {
  readonly port: number;
  readonly shape: RequestShape;
}

interface Window {
  /** Before anything is counted. */
  readonly warmUpMs: number;
  readonly durationMs: number;
}

export type LoadJob =
  /** Asks until a request is answered with 200. */
  | (ToPort & { readonly kind: 'first-answer'; readonly timeoutMs: number })
  /** Each connection sends its next request when the last one is answered. */
  | (ToPort & Window & { readonly kind: 'closed-loop'; readonly connections: number })
  /** A fixed number of requests on a few connections; counted from `countFrom` on. */
  | (ToPort & {
      readonly kind: 'fixed-count';
      readonly connections: number;
      readonly requests: number;
      readonly countFrom: number;
    })
  /** Requests leave on a schedule whatever became of the earlier ones. */
  | (ToPort & Window & { readonly kind: 'open-loop'; readonly perSecond: number })
  /** Streams that start evenly within a time; events are counted once all run. */
  | (ToPort & {
      readonly kind: 'streams';
      readonly streams: number;
      readonly startWithinMs: number;
      readonly durationMs: number;
    })
  /** Short streams one after another on kept connections; stamps are compared with the clock. */
  | (ToPort & { readonly kind: 'delays'; readonly connections: number; readonly durationMs: number })
  /** One stream of which nothing is read after its first bytes. */
  | (ToPort & { readonly kind: 'slow-reader'; readonly durationMs: number })
  /** One request with a body that large. */
  | { readonly kind: 'large-body'; readonly port: number; readonly bytes: number };

/** Sent when counting begins and when it ends. */
export interface CountMark {
  readonly requests: number;
  readonly events: number;
}

export interface LoadResult {
  /** Requests that were not answered with 200 to their end. */
  readonly failures: number;
  /** The first reason of a failure. */
  readonly failure?: string;
  /** Request sent to answer complete. */
  readonly latenciesMs?: readonly number[];
  /** Request sent to first body byte. */
  readonly firstBytesMs?: readonly number[];
  /** The latest event of each stream. */
  readonly delaysMs?: readonly number[];
  /** When the first answer was complete, on the clock of `nowMs`. */
  readonly answeredAtMs?: number;
  readonly status?: number;
}

/** The monotonic clock that all processes of a machine share, in ms. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
