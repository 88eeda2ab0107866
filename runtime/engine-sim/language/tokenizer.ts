import {
  digitOfCharCode,
  isSpecialToken,
  maxWordCharacters,
  textOfToken,
  vocabularySize,
  wordToken,
} from './vocabulary.ts';

const space = 0x20;
const utf8 = new TextEncoder();

/**
 * Token ids of a text: greedy word pieces of up to 4 letters or digits that take one space before them along, and the
 * UTF-8 bytes of everything else. `decode(encode(text))` is `text` for every well-formed text.
 * A piece never reaches past a space, so `encode(a + b)` is `encode(a)` followed by `encode(b)` whenever `b` starts with
 * a space that `a` does not end with a claim on: every generated token starts so.
 */
export function encode(text: string): Int32Array {
  const length = text.length;
  let ids = new Int32Array(length + 8);
  let count = 0;
  let at = 0;
  while (at < length) {
    const code = text.charCodeAt(at);
    const hasSpace = code === space;
    let end = hasSpace ? at + 1 : at;
    let number = 0;
    for (const limit = Math.min(end + maxWordCharacters, length); end < limit; end++) {
      const unit = text.charCodeAt(end);
      const digit = unit < 128 ? digitOfCharCode[unit]! : 0;
      if (digit === 0) break;
      number = number * 63 + digit;
    }
    // Up to 3 bytes for one UTF-16 unit.
    if (count + 4 > ids.length) ids = grown(ids);
    if (number > 0) {
      ids[count++] = wordToken(number, hasSpace);
      at = end;
    } else if (code < 128) {
      ids[count++] = code;
      at++;
    } else {
      const character = String.fromCodePoint(text.codePointAt(at)!);
      for (const byte of utf8.encode(character)) ids[count++] = byte;
      at += character.length;
    }
  }
  return ids.slice(0, count);
}

function grown(ids: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(ids.length * 2);
  larger.set(ids);
  return larger;
}

/**
 * Text of token ids. Bytes that are not UTF-8 become U+FFFD, ids outside the vocabulary are left out.
 * @param skipSpecialTokens leaves the chat template's own tokens out; default true, as SGLang
 */
export function decode(ids: ArrayLike<number>, skipSpecialTokens = true): string {
  let text = '';
  let bytes: number[] = [];
  const flushBytes = () => {
    if (bytes.length > 0) text += new TextDecoder().decode(Uint8Array.from(bytes));
    bytes = [];
  };
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i]!;
    if (id >= 0 && id < 256) {
      bytes.push(id);
    } else if (id > 0 && id < vocabularySize && !(skipSpecialTokens && isSpecialToken(id))) {
      flushBytes();
      text += textOfToken(id) ?? '';
    }
  }
  flushBytes();
  return text;
}
