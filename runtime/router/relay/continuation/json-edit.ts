import { JsonScanError, scanObject, skipSpace, skipValue } from '../json-scan.ts';

/** Byte offsets, `end` exclusive. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** Bytes to put in the place of a range; an empty range inserts. */
export interface Edit extends Range {
  readonly text: string;
}

/**
 * The members of a JSON object as ranges of the bytes that hold it. Of a key given twice the last one counts.
 * Throws JsonScanError when the range is not one well-formed object.
 */
export class Members {
  readonly bytes: Buffer;
  /** Just past the opening brace. */
  readonly inside: number;
  readonly #ranges = new Map<string, Range>();

  constructor(bytes: Buffer, range: Range = { start: 0, end: bytes.length }) {
    this.bytes = bytes;
    const { start, end } = range;
    this.inside =
      start +
      scanObject(bytes.subarray(start, end), (key, from, to) => {
        this.#ranges.set(key, { start: start + from, end: start + to });
      });
  }

  range(key: string): Range | undefined {
    return this.#ranges.get(key);
  }

  /** The value as it is written. */
  raw(key: string): string | undefined {
    const range = this.#ranges.get(key);
    return range && this.bytes.toString('utf8', range.start, range.end);
  }

  /** The value, undefined when there is none. Throws JsonScanError for what only lenient parsers read (`NaN`). */
  value(key: string): unknown {
    const raw = this.raw(key);
    if (raw === undefined) return undefined;
    try {
      return JSON.parse(raw);
    } catch {
      throw new JsonScanError(`"${key}" is not strict JSON`, this.#ranges.get(key)!.start);
    }
  }

  /** The members of a value that is an object, undefined when it is something else. */
  object(key: string): Members | undefined {
    const range = this.#ranges.get(key);
    return range && this.bytes[range.start] === 0x7b ? new Members(this.bytes, range) : undefined;
  }

  /** Gives a member a value, whether or not it has one. */
  set(key: string, json: string): Edit {
    const range = this.#ranges.get(key);
    if (range) return { ...range, text: json };
    const separator = this.#ranges.size > 0 ? ',' : '';
    return { start: this.inside, end: this.inside, text: `${JSON.stringify(key)}:${json}${separator}` };
  }
}

/** The ranges of an array's elements. Throws JsonScanError when the range is not one well-formed array. */
export function elementsOf(bytes: Buffer, { start, end }: Range): Range[] {
  const elements: Range[] = [];
  if (bytes[start] !== 0x5b) throw new JsonScanError('an array should begin here', start);
  let at = skipSpace(bytes, start + 1);
  if (bytes[at] === 0x5d) return elements;
  while (at < end) {
    const elementEnd = skipValue(bytes, at);
    elements.push({ start: at, end: elementEnd });
    at = skipSpace(bytes, elementEnd);
    if (bytes[at] === 0x5d) return elements;
    if (bytes[at] !== 0x2c) throw new JsonScanError('a comma or the closing bracket is missing', at);
    at = skipSpace(bytes, at + 1);
  }
  throw new JsonScanError('an array is not closed', start);
}

/** An edit that adds to the end of the JSON string in a range. */
export function extendString({ end }: Range, text: string): Edit {
  return { start: end - 1, end: end - 1, text: escaped(text) };
}

/** An edit that adds to the end of the JSON array in a range, elements as JSON. */
export function extendArray(bytes: Buffer, range: Range, elements: readonly string[]): Edit {
  const isEmpty = bytes[skipSpace(bytes, range.start + 1)] === 0x5d;
  const text = elements.length === 0 ? '' : `${isEmpty ? '' : ','}${elements.join(',')}`;
  return { start: range.end - 1, end: range.end - 1, text };
}

/** What stands between the quotes of a JSON string. */
export function escaped(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** The bytes with all edits made; they must not overlap. Edits at the same place keep their order. */
export function applyEdits(bytes: Buffer, edits: readonly Edit[]): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (const { start, end, text } of edits.toSorted((a, b) => a.start - b.start)) {
    parts.push(bytes.subarray(at, start), Buffer.from(text));
    at = end;
  }
  parts.push(bytes.subarray(at));
  return Buffer.concat(parts);
}
