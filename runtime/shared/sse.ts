/** Content type of a server-sent event stream. */
export const eventStreamType = 'text/event-stream';
/** The last event of every OpenAI and SGLang stream. */
export const doneEvent = 'data: [DONE]\n\n';

/** Formats one event. `data` must be one line, which JSON.stringify guarantees. */
export function formatEvent(data: string): string {
  return `data: ${data}\n\n`;
}

/**
 * Incremental splitter of an event stream into the `data` payloads of its events (WHATWG HTML, section 9.2.6).
 * Accepts LF, CRLF and CR line ends, joins several data lines, skips comments and other fields.
 * Throws RangeError when one event exceeds `maxEventBytes`.
 */
export class EventSplitter {
  readonly #decoder = new TextDecoder();
  readonly #maxEventBytes: number;
  #pending = '';
  #data: string[] = [];
  #dataLength = 0;
  #lastWasCarriageReturn = false;

  /** @param maxEventBytes bound on one event, in UTF-16 units; default 16 Mi */
  constructor(maxEventBytes = 16 * 1024 * 1024) {
    this.#maxEventBytes = maxEventBytes;
  }

  /** Takes the next bytes and returns the payloads of the events that they complete. */
  push(bytes: Uint8Array): string[] {
    let text = this.#decoder.decode(bytes, { stream: true });
    if (this.#lastWasCarriageReturn && text.startsWith('\n')) text = text.slice(1);
    this.#lastWasCarriageReturn = text === '' ? this.#lastWasCarriageReturn : text.endsWith('\r');
    const lines = (this.#pending + text).split(/\r\n|\n|\r/);
    this.#pending = lines.pop() ?? '';
    const payloads: string[] = [];
    for (const line of lines) {
      if (line === '') {
        if (this.#data.length > 0) payloads.push(this.#data.join('\n'));
        this.#data = [];
        this.#dataLength = 0;
      } else if (line.startsWith('data:')) {
        const value = line.slice(line.charCodeAt(5) === 0x20 ? 6 : 5);
        this.#data.push(value);
        // The line end counts as well: empty lines without end are an endless event.
        this.#dataLength += value.length + 1;
      }
    }
    if (this.#pending.length + this.#dataLength > this.#maxEventBytes) {
      throw new RangeError(`A server-sent event exceeds ${this.#maxEventBytes} characters.`);
    }
    return payloads;
  }
}
