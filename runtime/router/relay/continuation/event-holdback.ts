const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** Larger events are passed on in pieces: an engine's event is a few hundred bytes, a long cumulative one some hundred KB. */
const defaultLimitBytes = 1024 * 1024;

/**
 * Offset just past the last complete event in the bytes of an event stream, 0 when none is complete. An event ends with
 * an empty line; lines end with LF or CRLF (WHATWG HTML section 9.2.6 also knows a lone CR, which no engine sends).
 */
export function eventsEnd(bytes: Buffer): number {
  const { length } = bytes;
  if (length >= 2 && bytes[length - 1] === lineFeed) {
    if (bytes[length - 2] === lineFeed) return length;
    if (bytes[length - 2] === carriageReturn && bytes[length - 3] === lineFeed) return length;
  }
  const plain = bytes.lastIndexOf('\n\n');
  const crlf = bytes.lastIndexOf('\n\r\n');
  return Math.max(plain < 0 ? 0 : plain + 2, crlf < 0 ? 0 : crlf + 3);
}

/**
 * Lets an event stream through up to the last complete event and holds back the piece of an event behind it, so that
 * what a client has received ends between two events whenever the engine breaks off. An event above the limit is passed
 * on as it comes; a break inside it is one that `planContinuation` may not be able to mend.
 */
export class EventHoldback {
  readonly #limitBytes: number;
  #held: Buffer | undefined;
  #isInsidePassedEvent = false;

  constructor(limitBytes = defaultLimitBytes) {
    this.#limitBytes = limitBytes;
  }

  /** Takes the next bytes and returns what may be passed on, which may be empty. Copies only what was split. */
  push(bytes: Buffer): Buffer {
    const whole = this.#held ? Buffer.concat([this.#held, bytes]) : bytes;
    this.#held = undefined;
    const end = eventsEnd(whole);
    if (end === whole.length) {
      this.#isInsidePassedEvent = false;
      return whole;
    }
    if (end === 0 && this.#isInsidePassedEvent) return whole;
    this.#isInsidePassedEvent = whole.length - end > this.#limitBytes;
    if (this.#isInsidePassedEvent) return whole;
    this.#held = whole.subarray(end);
    return whole.subarray(0, end);
  }

  /** What is held back, for a stream that ended properly without an empty line. */
  flush(): Buffer {
    const held = this.#held ?? Buffer.alloc(0);
    this.#held = undefined;
    return held;
  }
}
