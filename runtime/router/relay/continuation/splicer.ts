import { doneEvent, EventSplitter } from '../../../shared/sse.ts';

/** Turns the next engine's stream into the rest of the one that a client has begun to read. */
export interface Splicer {
  /**
   * Takes the next engine's raw bytes and returns those for the client: whole events only, possibly none.
   * Throws RangeError when one event exceeds 16 Mi characters.
   */
  push(bytes: Buffer): Buffer;
  /**
   * Whether the client's stream has got its end mark. The engine may still be generating then (a stop string was found
   * across the cut): abort it. What is pushed afterwards is dropped.
   */
  readonly isComplete: boolean;
}

/** Payloads of the events to send for one of the next engine's; `[DONE]` among them ends the stream. */
export type SpliceEvent = (payload: string) => readonly string[];

export const donePayload = '[DONE]';

export class EventSplicer implements Splicer {
  readonly #splitter = new EventSplitter();
  readonly #splice: SpliceEvent;
  #isComplete = false;

  constructor(splice: SpliceEvent) {
    this.#splice = splice;
  }

  get isComplete(): boolean {
    return this.#isComplete;
  }

  push(bytes: Buffer): Buffer {
    let text = '';
    for (const payload of this.#splitter.push(bytes)) {
      for (const spliced of payload === donePayload ? [donePayload] : this.#splice(payload)) {
        if (this.#isComplete) break;
        this.#isComplete = spliced === donePayload;
        text += formatPayload(spliced);
      }
    }
    return Buffer.from(text);
  }
}

/** As one event, also when the payload has several lines. */
export function formatPayload(payload: string): string {
  return payload === donePayload ? doneEvent : `data: ${payload.replaceAll('\n', '\ndata: ')}\n\n`;
}
