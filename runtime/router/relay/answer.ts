import type { CodedError } from '../../shared/errors.ts';
import type { ResponseHead } from '../../shared/http/response-parser.ts';
import type { ClientResponse } from '../front/client-response.ts';
import { type AnswerSink, isEventStream } from './answer-sink.ts';
import { EventHoldback } from './continuation/event-holdback.ts';
import { clientHeaders } from './headers.ts';
import type { SentRecord } from './sent-record.ts';

/** A comment of an event stream (WHATWG HTML, section 9.2.6): clients skip it, idle time-outs do not run on. */
const heartbeat = Buffer.from(': ping\n\n');
const boundary = Buffer.from('\n\n');

/**
 * The client's side of one request, over all attempts: what has been sent of the answer decides what can still be done
 * when an engine fails. A stream that could be continued is passed on in whole events and recorded.
 */
export class Answer implements AnswerSink {
  readonly isSatisfied = false;
  /** What the worker that answered serves; set with its first byte. */
  model: string | undefined;
  /** Place of the worker group that is to answer; set once the request has been read. */
  group = 0;
  readonly #response: ClientResponse;
  readonly #requestId: string;
  #addedHeaders: readonly string[] = [];
  #isEventStream = false;
  #lastParts: [Buffer?, Buffer?] = [];
  #record: SentRecord | undefined;
  #holdback: EventHoldback | undefined;
  /** Set by every write, cleared by `heartbeatIfIdle`; a new answer has had no time to be idle. */
  #wroteSinceLastLook = true;

  constructor(response: ClientResponse, requestId: string) {
    this.#response = response;
    this.#requestId = requestId;
  }

  /** What the client received of its stream; undefined when the stream is not recorded. */
  get record(): SentRecord | undefined {
    return this.#record;
  }

  get hasContent(): boolean {
    return this.#lastParts.length > 0;
  }

  get isEventStream(): boolean {
    return this.#isEventStream;
  }

  /** The last one or two parts of the body, for what stands at its end. */
  get lastParts(): readonly Buffer[] {
    return this.#lastParts.filter((part) => part !== undefined);
  }

  /** Keeps what is sent from now on, so that the stream can be continued. To be called before anything is sent. */
  recordTo(record: SentRecord): void {
    this.#record = record;
  }

  /** Headers that the answer gets beside those of the engine; names and values in turn. */
  addHeaders(headers: readonly string[]): void {
    this.#addedHeaders = headers;
  }

  /** Sends status and headers of an engine's answer, unless a heartbeat has already begun the stream. */
  begin(head: ResponseHead, workerId: string): void {
    const isStream = isEventStream(head);
    if (this.#record && isStream && head.status === 200) this.#holdback = new EventHoldback();
    if (this.#response.headersSent) return;
    this.#isEventStream = isStream;
    const added = ['x-fleet-worker', workerId, 'x-fleet-request-id', this.#requestId, ...this.#addedHeaders];
    this.#response.writeHead(head.status, head.reason, clientHeaders(head.rawHeaders, added));
  }

  write(bytes: Buffer): boolean {
    const whole = this.#holdback ? this.#holdback.push(bytes) : bytes;
    return whole.length === 0 ? true : this.#send(whole);
  }

  /** Passes on whole events of another origin than the engine's own stream: the continuation's. */
  writeEvents(bytes: Buffer): boolean {
    return bytes.length === 0 ? true : this.#send(bytes);
  }

  onDrain(callback: () => void): void {
    this.#response.once('drain', callback);
  }

  end(): void {
    const rest = this.#holdback?.flush();
    if (rest && rest.length > 0) this.#send(rest);
    this.#response.end();
  }

  /** Gives back what the answer kept; nothing is sent after this. */
  close(): void {
    this.#record?.close();
  }

  /**
   * Sends a comment when nothing was sent since the last call and a comment may stand here. Before the first byte of an
   * engine this begins the answer, so it is for requests that asked for a stream.
   */
  heartbeatIfIdle(): void {
    const wasIdle = !this.#wroteSinceLastLook;
    this.#wroteSinceLastLook = false;
    if (!wasIdle || !this.#isAtEventBoundary() || this.#response.needsDrain) return;
    if (!this.#response.headersSent) {
      this.#isEventStream = true;
      const headers = ['content-type', 'text/event-stream; charset=utf-8', 'x-fleet-request-id', this.#requestId];
      this.#response.writeHead(200, 'OK', headers);
    } else if (!this.#isEventStream) return;
    this.#response.write(heartbeat);
  }

  /** Ends an answer that has begun and cannot be finished so that the client knows: an error event, or a cut. */
  breakOff(error: CodedError): void {
    if (!this.#isEventStream) {
      this.#response.destroy();
      return;
    }
    const separator = this.#isAtEventBoundary() ? '' : '\n\n';
    this.#response.end(Buffer.from(`${separator}data: ${JSON.stringify(error.toBody())}\n\n`));
  }

  #send(bytes: Buffer): boolean {
    this.#lastParts = [this.#lastParts.at(-1), bytes];
    this.#wroteSinceLastLook = true;
    this.#record?.push(bytes);
    return this.#response.write(bytes);
  }

  #isAtEventBoundary(): boolean {
    const last = this.#lastParts.at(-1);
    if (last === undefined) return true;
    return last.length < 2
      ? Buffer.concat(this.lastParts).subarray(-2).equals(boundary)
      : last[last.length - 1] === 10 && last[last.length - 2] === 10;
  }
}
