import { isOpenAiChunk } from './openai-chunk.ts';
import { parseObject, type SentEvent } from './sent-events.ts';

/** How an event that a client has half received is completed. */
export interface ClosedEvent {
  /** The bytes that are missing, with the empty line. */
  readonly completion: Buffer;
  /** What the client then reads; undefined for a comment. */
  readonly payload: string | undefined;
}

/**
 * Completes an event that was cut so that it says no more than the client has already seen of it: a cut inside the text
 * closes the text there, a cut before it makes the text empty. What stands around the text is taken from an earlier event
 * of the same stream. Undefined where that is impossible: inside an escape or a character, or where the event differs
 * from earlier ones (usage, a finish reason).
 */
export function closeHalfEvent(half: Buffer, earlier: readonly SentEvent[]): ClosedEvent | undefined {
  const text = half.toString('utf8');
  if (!Buffer.from(text).equals(half)) return undefined;
  const line = text.replace(/[\r\n]+$/, '');
  const newLines = lineEndsMissing(text);
  if (line.startsWith(':')) return { completion: Buffer.from(newLines), payload: undefined };
  const payload = line.replace(/^data: ?/, '');
  if (line !== text || parseObject(payload)) {
    return { completion: Buffer.from(newLines), payload };
  }
  if ('data: [DONE]'.startsWith(text) && text.length > 'data: '.length) {
    return { completion: Buffer.from(`data: [DONE]${newLines}`.slice(text.length)), payload: '[DONE]' };
  }
  const frame = textFrame(earlier);
  return frame && closeInFrame(text, frame);
}

/** A line end that was cut leaves one or two line feeds to send. */
function lineEndsMissing(text: string): string {
  return text.endsWith('\n') || text.endsWith('\n\r') ? '\n' : '\n\n';
}

interface Frame {
  /** Up to and with the quote that opens the text. */
  readonly before: string;
  /** From the quote that closes it. */
  readonly after: string;
}

function textFrame(events: readonly SentEvent[]): Frame | undefined {
  for (let i = events.length - 1; i >= 0; i--) {
    const { bytes, parsed } = events[i]!;
    const [choice] = (isOpenAiChunk(parsed) && parsed.choices) || [];
    if (!choice || choice.finish_reason) continue;
    const raw = bytes.toString('utf8');
    // Quotes inside a JSON string are escaped: these bytes cannot stand in a text.
    const name = /"(?:content|text)":"/.exec(raw);
    if (!name) continue;
    const start = name.index + name[0].length;
    const end = start + stringLength(raw.slice(start));
    return { before: `data: ${raw.slice(0, start)}`, after: raw.slice(end) };
  }
  return undefined;
}

function closeInFrame(half: string, { before, after }: Frame): ClosedEvent | undefined {
  const whole = `${after}\n\n`;
  if (before.startsWith(half)) return closed(half, before.slice(half.length) + whole);
  if (!half.startsWith(before)) return undefined;
  const inside = half.slice(before.length);
  const length = stringLength(inside);
  if (length < inside.length) {
    const tail = inside.slice(length);
    return whole.startsWith(tail) ? closed(half, whole.slice(tail.length)) : undefined;
  }
  return isWholeText(inside) ? closed(half, whole) : undefined;
}

function closed(half: string, completion: string): ClosedEvent {
  return { completion: Buffer.from(completion), payload: (half + completion).slice('data: '.length).trimEnd() };
}

/** Length of a JSON string's inside, up to its closing quote or the end of what there is. */
function stringLength(text: string): number {
  return /^(?:[^"\\]|\\.?)*/s.exec(text)![0].length;
}

/** Whether a JSON string may end here: not inside an escape nor between two halves of a surrogate pair. */
function isWholeText(inside: string): boolean {
  try {
    return (JSON.parse(`"${inside}"`) as string).isWellFormed();
  } catch {
    return false;
  }
}
