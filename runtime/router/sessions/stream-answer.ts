import type { ServerResponse } from 'node:http';
import type { CodedError } from '../../shared/errors.ts';
import type { ChatChunk } from '../../shared/sandbox-protocol.ts';
import { doneEvent, eventStreamType, formatEvent } from '../../shared/sse.ts';
import type { RecordedTurn } from '../store/turn-queries.ts';
import { recordedChunks } from './chat-shape.ts';
import type { TurnAnswer } from './turn-answer.ts';

export interface StreamAnswerOptions {
  /** What chunks are filled up with where the agent leaves it out. */
  readonly turnId: string;
  readonly model: string;
  /** Longest silence before the stream gets a comment, in ms. */
  readonly heartbeatMs: number;
}

const heartbeat = ': ping\n\n';
/** A client that leaves so much unread is cut off; its turn is not. */
const maxUnreadBytes = 4 * 1024 * 1024;

/**
 * An event stream of chat chunks. The chunk that tells the end of the answer is held back until the turn is recorded: a
 * client that has seen it can rely on it. A failure before the first event is an HTTP status, later it is an error event.
 */
export class StreamAnswer implements TurnAnswer {
  finishReason = 'stop';
  readonly #response: ServerResponse;
  readonly #defaults: { readonly id: string; readonly created: number; readonly model: string };
  readonly #timer: NodeJS.Timeout;
  readonly #held: ChatChunk[] = [];
  #hasChunks = false;
  #wroteSinceLastLook = false;
  #isClosed = false;

  constructor(response: ServerResponse, { turnId, model, heartbeatMs }: StreamAnswerOptions) {
    this.#response = response;
    this.#defaults = { id: turnId, created: Math.floor(Date.now() / 1_000), model };
    this.#timer = setInterval(() => this.#beat(), heartbeatMs);
    response.once('close', () => this.#close());
  }

  chunk(chunk: ChatChunk): void {
    const finishReason = chunk.choices[0]?.finish_reason ?? undefined;
    this.#hasChunks = true;
    if (finishReason !== undefined) this.finishReason = finishReason;
    if (finishReason !== undefined || this.#held.length > 0) this.#held.push(chunk);
    else this.#writeChunk(chunk);
  }

  finish(turn: RecordedTurn): void {
    // An agent may answer with nothing but its last message.
    for (const chunk of this.#hasChunks ? this.#held : recordedChunks(turn)) this.#writeChunk(chunk);
    this.#end(doneEvent);
  }

  fail(error: CodedError): void {
    if (this.#isClosed) return;
    if (this.#response.headersSent) {
      this.#end(formatEvent(JSON.stringify(error.toBody())));
      return;
    }
    this.#close();
    if (error.retryAfterSeconds !== undefined) this.#response.setHeader('retry-after', error.retryAfterSeconds);
    this.#response.writeHead(error.status, { 'content-type': 'application/json; charset=utf-8' });
    this.#response.end(JSON.stringify(error.toBody()));
  }

  #writeChunk(chunk: ChatChunk): void {
    this.#write(formatEvent(JSON.stringify({ ...this.#defaults, ...chunk })));
  }

  #beat(): void {
    if (!this.#wroteSinceLastLook) this.#write(heartbeat);
    this.#wroteSinceLastLook = false;
  }

  #write(text: string): void {
    if (this.#isClosed) return;
    this.#begin();
    this.#wroteSinceLastLook = true;
    this.#response.write(text);
    if (this.#response.writableLength > maxUnreadBytes) this.#response.destroy();
  }

  #begin(): void {
    if (this.#response.headersSent) return;
    this.#response.writeHead(200, {
      'content-type': `${eventStreamType}; charset=utf-8`,
      'cache-control': 'no-cache',
      // Proxies such as nginx gather an answer's bytes otherwise.
      'x-accel-buffering': 'no',
    });
  }

  #end(text: string): void {
    if (this.#isClosed) return;
    this.#begin();
    this.#close();
    this.#response.end(text);
  }

  #close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
  }
}
