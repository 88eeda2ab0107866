import type { ResponseHead } from '../../shared/http/response-parser.ts';
import type { ExchangeHandler, UpstreamConnection, UpstreamFailure } from '../../shared/http/upstream-connection.ts';
import { type AnswerSink, isEventStream } from './answer-sink.ts';
import { judgeFirstEvent } from './first-event.ts';

/** How an attempt on one worker ended. */
export type AttemptEnd =
  /** `isEngineDone` is false when the client needs no more but the engine may still be working. */
  | { readonly kind: 'complete'; readonly status: number; readonly isEngineDone: boolean }
  /** The engine refused or broke before the client received anything of it: another worker may try. */
  | {
      readonly kind: 'retryable';
      readonly reason: RetryReason;
      readonly detail: string;
      readonly wasStaleConnection: boolean;
    }
  /** The engine broke off in the middle of an answer that the client had begun to receive. */
  | { readonly kind: 'broken-off'; readonly detail: string }
  | { readonly kind: 'client-gone' };

export type RetryReason = 'connect' | 'reset' | 'status' | 'overload' | 'stall' | 'late';

export interface AttemptOptions {
  readonly workerId: string;
  /** Complete request head, ending with the empty line. */
  readonly head: string;
  readonly body: readonly Uint8Array[];
  /** Called when the connection will not read `body` any more: it is written, or the connection is gone. */
  readonly onBodyWritten?: () => void;
  readonly sink: AnswerSink;
  /** A continuation can only use the event stream that it asked for; anything else is then a refusal. @default 'any' */
  readonly accepts?: 'any' | 'stream';
  /** Whether a refusing status may be withheld from the client because another worker can be tried. */
  readonly mayRetry: boolean;
  /** Called with the first body byte that counts as an answer. @param status of that answer */
  readonly onFirstByte: (status: number) => void;
}

/** An answer of announced length up to this is passed on once it is whole: should its engine die, another can give it. */
const wholeAnswerBytes = 256 * 1024;
const refusingStatuses = new Set([429, 500, 502, 503, 504]);

/**
 * One exchange with one worker: passes the answer on, byte for byte, with backpressure. Nothing reaches the client before
 * the first body byte, of an event stream not before its first event is known to be no refusal, and of a short answer of
 * announced length nothing before it is whole.
 */
export class Attempt implements ExchangeHandler {
  readonly ended: Promise<AttemptEnd>;
  /** Set by every byte from the engine; whoever watches clears it. */
  hasProgress = false;
  readonly #options: AttemptOptions;
  readonly #settle: (end: AttemptEnd) => void;
  readonly #connection: UpstreamConnection;
  #head: ResponseHead | undefined;
  #held: Buffer | undefined;
  #hasBegun = false;
  #isSettled = false;
  #awaitsDrain = false;

  constructor(options: AttemptOptions, connection: UpstreamConnection) {
    this.#options = options;
    this.#connection = connection;
    const { promise, resolve } = Promise.withResolvers<AttemptEnd>();
    this.ended = promise;
    this.#settle = (end) => {
      this.#isSettled = true;
      resolve(end);
    };
    connection.send(options.head, options.body, this, options.onBodyWritten);
  }

  /** The client left. Call `dropUpstream` once the engine has been told. */
  abandon(): void {
    if (!this.#isSettled) this.#settle({ kind: 'client-gone' });
  }

  /** The worker is not trusted with the request any more: it goes elsewhere if it can. Call `dropUpstream` as for `abandon`. */
  giveUp(reason: 'stall' | 'late', detail: string): void {
    if (!this.#isSettled) this.#fail(reason, detail, false);
  }

  /** Whether the answer has begun. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  dropUpstream(): void {
    this.#connection.destroy();
  }

  onHead(head: ResponseHead): void {
    this.hasProgress = true;
    this.#head = head;
    if (this.#isSettled || !this.#refuses(head)) return;
    this.#connection.destroy();
    this.#fail('status', `the engine answered ${head.status} ${head.reason}`, false);
  }

  #refuses(head: ResponseHead): boolean {
    if (this.#options.accepts === 'stream' && (head.status !== 200 || !isEventStream(head))) return true;
    return this.#options.mayRetry && refusingStatuses.has(head.status);
  }

  onBody(bytes: Buffer): void {
    this.hasProgress = true;
    if (this.#isSettled) return;
    if (this.#hasBegun) {
      this.#pass(bytes);
      return;
    }
    const head = this.#head!;
    const held = this.#held ? Buffer.concat([this.#held, bytes]) : bytes;
    if (comesWhole(head)) {
      this.#held = held;
      return;
    }
    if (head.status !== 200 || !isEventStream(head)) {
      this.#begin(head, bytes);
      return;
    }
    const first = judgeFirstEvent(held);
    if (first.kind === 'incomplete') {
      this.#held = held;
    } else if (first.kind === 'overload') {
      this.#connection.destroy();
      this.#fail('overload', first.message, false);
    } else {
      this.#begin(head, held);
    }
  }

  onEnd(): void {
    if (this.#isSettled) return;
    const { sink, workerId } = this.#options;
    if (!this.#hasBegun) {
      if (this.#held) {
        this.#open(this.#head!);
        // The connection may be another request's by now: nothing to pause for a client that reads slowly.
        sink.write(this.#held);
      } else sink.begin(this.#head!, workerId);
    }
    sink.end();
    this.#settle({ kind: 'complete', status: this.#head!.status, isEngineDone: true });
  }

  onFailure(error: UpstreamFailure): void {
    if (this.#isSettled) return;
    const isStale = error.wasReused && error.stage === 'request';
    this.#fail(error.stage === 'connect' ? 'connect' : 'reset', error.message, isStale);
  }

  #fail(reason: RetryReason, detail: string, wasStaleConnection: boolean): void {
    if (this.#options.sink.hasContent) this.#settle({ kind: 'broken-off', detail });
    else this.#settle({ kind: 'retryable', reason, detail, wasStaleConnection });
  }

  #begin(head: ResponseHead, bytes: Buffer): void {
    this.#open(head);
    this.#pass(bytes);
  }

  #open(head: ResponseHead): void {
    this.#hasBegun = true;
    this.#options.sink.begin(head, this.#options.workerId);
    this.#options.onFirstByte(head.status);
  }

  #pass(bytes: Buffer): void {
    const { sink } = this.#options;
    const mayGoOn = sink.write(bytes);
    if (sink.isSatisfied) {
      sink.end();
      this.#settle({ kind: 'complete', status: this.#head!.status, isEngineDone: false });
    } else if (!mayGoOn && !this.#awaitsDrain) {
      // What was read with this piece still comes through here.
      this.#awaitsDrain = true;
      this.#connection.pause();
      sink.onDrain(() => {
        this.#awaitsDrain = false;
        this.#connection.resume();
      });
    }
  }
}

/** A stream never knows its length, whatever its type. */
function comesWhole(head: ResponseHead): boolean {
  return head.contentLength >= 0 && head.contentLength <= wholeAnswerBytes && !isEventStream(head);
}
