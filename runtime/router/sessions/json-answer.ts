import type { ServerResponse } from 'node:http';
import type { CodedError } from '../../shared/errors.ts';
import type { ChatChunk } from '../../shared/sandbox-protocol.ts';
import type { RecordedTurn } from '../store/turn-queries.ts';
import { chatCompletion } from './chat-shape.ts';
import type { TurnAnswer } from './turn-answer.ts';

/** One JSON answer at the end of a turn. */
export class JsonAnswer implements TurnAnswer {
  finishReason = 'stop';
  readonly #response: ServerResponse;
  readonly #model: string;

  constructor(response: ServerResponse, model: string) {
    this.#response = response;
    this.#model = model;
  }

  chunk({ choices }: ChatChunk): void {
    this.finishReason = choices[0]?.finish_reason ?? this.finishReason;
  }

  finish(turn: RecordedTurn): void {
    this.#send(200, chatCompletion(turn, this.#model));
  }

  fail(error: CodedError): void {
    if (error.retryAfterSeconds !== undefined) this.#response.setHeader('retry-after', error.retryAfterSeconds);
    this.#send(error.status, error.toBody());
  }

  #send(status: number, body: object): void {
    if (this.#response.destroyed) return;
    this.#response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
    this.#response.end(JSON.stringify(body));
  }
}
