import type { ServerResponse } from 'node:http';
import type { Worker } from '../coordinator/worker.ts';
import { judgeFirstEvent } from './first-event.ts';
import { clientHeaders } from './headers.ts';
import type { ResponseHead } from './response-parser.ts';
import type { ExchangeHandler, UpstreamConnection, UpstreamFailure } from './upstream-connection.ts';

/** How an attempt on one worker ended. Before `isCommitted` the client has seen nothing and another worker may try. */
export type AttemptEnd =
  | { readonly kind: 'complete'; readonly status: number; readonly lastParts: readonly Buffer[] }
  /** The engine refused or broke before anything was sent to the client. */
  | {
      readonly kind: 'retryable';
      readonly reason: RetryReason;
      readonly detail: string;
      readonly wasStaleConnection: boolean;
    }
  /** The engine broke off in the middle of an answer that the client had begun to receive. */
  | {
      readonly kind: 'broken-off';
      readonly detail: string;
      readonly isEventStream: boolean;
      readonly endsAtEventBoundary: boolean;
    }
  | { readonly kind: 'client-gone' };

export type RetryReason = 'connect' | 'reset' | 'status' | 'overload';

export interface AttemptOptions {
  readonly worker: Worker;
  /** Complete request head, ending with the empty line. */
  readonly head: string;
  readonly body: readonly Uint8Array[];
  readonly response: ServerResponse;
  /** Names and values that are added to the engine's headers. */
  readonly addedHeaders: readonly string[];
  /** Whether a refusing status may be withheld from the client because another worker can be tried. */
  readonly mayRetry: boolean;
  /** Called with the first body byte that counts as an answer. */
  readonly onFirstByte: () => void;
}

const refusingStatuses = new Set([429, 500, 502, 503, 504]);

/** One exchange with one worker: passes the answer to the client, byte for byte, with backpressure. */
export class Attempt implements ExchangeHandler {
  readonly #options: AttemptOptions;
  readonly #settle: (end: AttemptEnd) => void;
  readonly ended: Promise<AttemptEnd>;
  #connection: UpstreamConnection;
  #head: ResponseHead | undefined;
  #held: Buffer | undefined;
  #isCommitted = false;
  #isSettled = false;
  #lastParts: [Buffer?, Buffer?] = [];

  constructor(options: AttemptOptions, connection: UpstreamConnection) {
    this.#options = options;
    this.#connection = connection;
    const { promise, resolve } = Promise.withResolvers<AttemptEnd>();
    this.ended = promise;
    this.#settle = (end) => {
      this.#isSettled = true;
      resolve(end);
    };
    connection.send(options.head, options.body, this);
  }

  /** The client left. Call `dropUpstream` once the engine has been told. */
  abandon(): void {
    if (!this.#isSettled) this.#settle({ kind: 'client-gone' });
  }

  dropUpstream(): void {
    this.#connection.destroy();
  }

  onHead(head: ResponseHead): void {
    this.#head = head;
    if (refusingStatuses.has(head.status) && this.#options.mayRetry) {
      this.#connection.destroy();
      this.#retry('status', `the engine answered ${head.status} ${head.reason}`, false);
    }
  }

  onBody(bytes: Buffer): void {
    if (this.#isSettled) return;
    if (this.#isCommitted) {
      this.#pass(bytes);
      return;
    }
    const head = this.#head!;
    if (!isEventStream(head) || head.status !== 200) {
      this.#commit(head);
      this.#pass(bytes);
      return;
    }
    const held = this.#held ? Buffer.concat([this.#held, bytes]) : bytes;
    const first = judgeFirstEvent(held);
    if (first.kind === 'incomplete') {
      this.#held = held;
    } else if (first.kind === 'overload') {
      this.#connection.destroy();
      this.#retry('overload', first.message, false);
    } else {
      this.#commit(head);
      this.#pass(held);
    }
  }

  onEnd(): void {
    if (this.#isSettled) return;
    if (!this.#isCommitted) this.#commit(this.#head!);
    if (this.#held && this.#lastParts.length === 0) this.#pass(this.#held);
    this.#options.response.end();
    const lastParts = this.#lastParts.filter((part) => part !== undefined);
    this.#settle({ kind: 'complete', status: this.#head!.status, lastParts });
  }

  onFailure(error: UpstreamFailure): void {
    if (this.#isSettled) return;
    if (!this.#isCommitted) {
      const isStale = error.wasReused && error.stage === 'request';
      this.#retry(error.stage === 'connect' ? 'connect' : 'reset', error.message, isStale);
      return;
    }
    const last = this.#lastParts.at(-1);
    this.#settle({
      kind: 'broken-off',
      detail: error.message,
      isEventStream: isEventStream(this.#head!),
      endsAtEventBoundary: last === undefined || last.subarray(-2).toString('latin1') === '\n\n',
    });
  }

  #retry(reason: RetryReason, detail: string, wasStaleConnection: boolean): void {
    this.#settle({ kind: 'retryable', reason, detail, wasStaleConnection });
  }

  #commit(head: ResponseHead): void {
    this.#isCommitted = true;
    const { response, addedHeaders } = this.#options;
    response.sendDate = false;
    response.writeHead(head.status, head.reason, clientHeaders(head.rawHeaders, addedHeaders));
  }

  #pass(bytes: Buffer): void {
    if (this.#lastParts.length === 0) this.#options.onFirstByte();
    this.#lastParts = [this.#lastParts.at(-1), bytes];
    const { response } = this.#options;
    if (response.write(bytes)) return;
    this.#connection.pause();
    response.once('drain', () => this.#connection.resume());
  }
}

function isEventStream(head: ResponseHead): boolean {
  return head.contentType.startsWith('text/event-stream');
}
