import { EventSplitter } from '../../../shared/sse.ts';
import { CannotContinue } from './cannot-continue.ts';
import { isObject } from './event-fields.ts';
import { eventsEnd } from './event-holdback.ts';

/** One event of a stream: its payload, parsed, and as bytes for edits. */
export interface SentEvent {
  readonly bytes: Buffer;
  readonly parsed: Readonly<Record<string, unknown>>;
}

/** What a client has received of an event stream. */
export interface SentEvents {
  readonly events: readonly SentEvent[];
  /** Whether the end mark has been sent. */
  readonly isDone: boolean;
  /** The piece of an event behind the last complete one; empty when the stream broke between two events. */
  readonly half: Buffer;
}

/** No event is larger than all that was sent. */
const unlimited = Number.POSITIVE_INFINITY;

/**
 * Splits what was sent into events; comments are left out. Throws CannotContinue for an event that is no JSON object: it
 * may have held text that a continuation would then repeat or lose.
 */
export function readSentEvents(sent: readonly Buffer[]): SentEvents {
  const bytes = Buffer.concat(sent);
  const end = eventsEnd(bytes);
  const events: SentEvent[] = [];
  let isDone = false;
  for (const payload of new EventSplitter(unlimited).push(bytes.subarray(0, end))) {
    if (payload === '[DONE]') isDone = true;
    else if (!isDone) events.push(readEvent(payload));
  }
  return { events, isDone, half: bytes.subarray(end) };
}

/** Throws CannotContinue when the payload is no JSON object or reports an error. */
export function readEvent(payload: string): SentEvent {
  const parsed = parseObject(payload);
  if (!parsed) throw new CannotContinue('an event that was sent is not readable');
  if (parsed['error']) throw new CannotContinue('the client was sent an error');
  return { bytes: Buffer.from(payload), parsed };
}

/** A JSON object, undefined for anything else. */
export function parseObject(payload: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(payload);
    return isObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}
