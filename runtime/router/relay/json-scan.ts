/**
 * Finds the ends of JSON values in bytes without building them. Strings are skipped with native searches, so text-heavy
 * bodies cost little. Nested values are only balanced, not validated: the engine's own parser judges them.
 */

/** What is wrong, and where in the body. */
export class JsonScanError extends Error {
  override readonly name = 'JsonScanError';
  readonly offset: number;

  constructor(detail: string, offset: number) {
    super(detail);
    this.offset = offset;
  }
}

const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const comma = 0x2c;
const colon = 0x3a;

/** First byte at or after `at` that is not JSON white space (RFC 8259 section 2). */
export function skipSpace(bytes: Buffer, at: number): number {
  let i = at;
  for (; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
  }
  return i;
}

/** Offset just past the string that opens at `at`. */
export function skipString(bytes: Buffer, at: number): number {
  let end = at;
  for (;;) {
    end = bytes.indexOf(quote, end + 1);
    if (end < 0) throw new JsonScanError('a string is not closed', at);
    let escapes = end - 1;
    while (bytes[escapes] === backslash) escapes--;
    if ((end - escapes) % 2 === 1) return end + 1;
  }
}

/** Offset just past the value that begins at `at`. */
export function skipValue(bytes: Buffer, at: number): number {
  const first = bytes[at];
  if (first === quote) return skipString(bytes, at);
  if (first === openBrace || first === openBracket) return skipNested(bytes, at);
  let i = at;
  for (; i < bytes.length; i++) {
    const byte = bytes[i]!;
    // Digits, letters, sign, point: all that numbers and the three literals are made of.
    const isPart =
      (byte >= 0x30 && byte <= 0x39) ||
      (byte >= 0x61 && byte <= 0x7a) ||
      byte === 0x2d ||
      byte === 0x2e ||
      byte === 0x2b ||
      byte === 0x45 ||
      byte === 0x4e ||
      byte === 0x49;
    if (!isPart) break;
  }
  if (i === at)
    throw new JsonScanError(at >= bytes.length ? 'it ends where a value should be' : 'a value is missing', at);
  return i;
}

/** Depth is counted in numbers, not in calls: nesting of any depth costs no stack. */
function skipNested(bytes: Buffer, at: number): number {
  let objects = 0;
  let arrays = 0;
  let i = at;
  while (i < bytes.length) {
    switch (bytes[i]) {
      case quote:
        i = skipString(bytes, i);
        continue;
      case openBrace:
        objects++;
        break;
      case openBracket:
        arrays++;
        break;
      case closeBrace:
        objects--;
        break;
      case closeBracket:
        arrays--;
        break;
    }
    i++;
    if (objects === 0 && arrays === 0) return i;
    if (objects < 0 || arrays < 0) throw new JsonScanError('a bracket closes what was not opened', i - 1);
  }
  throw new JsonScanError('an object or array is not closed', at);
}

/**
 * Walks the members of the object that the body is, in order. `visit` gets each key with the range of its value.
 * @returns the offset just past the opening brace
 * @throws JsonScanError when the top level is not one well-formed object
 */
export function scanObject(bytes: Buffer, visit: (key: string, start: number, end: number) => void): number {
  const open = skipSpace(bytes, startOfText(bytes));
  if (bytes[open] !== openBrace) throw new JsonScanError('an object should begin here', open);
  let i = skipSpace(bytes, open + 1);
  if (bytes[i] === closeBrace) {
    expectEnd(bytes, i + 1);
    return open + 1;
  }
  for (;;) {
    if (bytes[i] !== quote) throw new JsonScanError('a key in double quotes should begin here', i);
    const keyEnd = skipString(bytes, i);
    const key = readKey(bytes, i, keyEnd);
    i = skipSpace(bytes, keyEnd);
    if (bytes[i] !== colon) throw new JsonScanError('a colon is missing after a key', i);
    const start = skipSpace(bytes, i + 1);
    const end = skipValue(bytes, start);
    visit(key, start, end);
    i = skipSpace(bytes, end);
    if (bytes[i] === closeBrace) {
      expectEnd(bytes, i + 1);
      return open + 1;
    }
    if (bytes[i] !== comma) throw new JsonScanError('a comma or the closing brace is missing', i);
    i = skipSpace(bytes, i + 1);
  }
}

function readKey(bytes: Buffer, start: number, end: number): string {
  const raw = bytes.toString('latin1', start + 1, end - 1);
  if (!raw.includes('\\')) return raw;
  try {
    return JSON.parse(`"${raw}"`) as string;
  } catch {
    throw new JsonScanError('a key has a bad escape', start);
  }
}

/** A UTF-8 byte order mark is skipped; JSON parsers of engines do the same. */
function startOfText(bytes: Buffer): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
}

function expectEnd(bytes: Buffer, at: number): void {
  const end = skipSpace(bytes, at);
  if (end < bytes.length) throw new JsonScanError('there is something after the closing brace', end);
}
