import type { ResponseHead } from '../../shared/http/response-parser.ts';

/** Where an attempt puts the answer of its engine. */
export interface AnswerSink {
  /** Whether the client has received anything of this answer: then no other engine may begin anew. */
  readonly hasContent: boolean;
  /** Whether the client has all it is to get, though the engine may send more. */
  readonly isSatisfied: boolean;
  /** Status and headers; comes before any `write`. */
  begin(head: ResponseHead, workerId: string): void;
  /** @returns false when the client reads slower than the engine writes: wait for `onDrain` */
  write(bytes: Buffer): boolean;
  onDrain(callback: () => void): void;
  /** The engine's answer is complete. */
  end(): void;
}

export function isEventStream(head: ResponseHead): boolean {
  return head.contentType.startsWith('text/event-stream');
}
