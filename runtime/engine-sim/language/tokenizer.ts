import { digitOfByte, isSpecialToken, textOfToken, vocabularySize, wordBase, wordToken } from './vocabulary.ts';

const space = 0x20;
/** Zero bytes behind a text: no word piece goes on there, and none reaches further than one space and a character. */
const endMarks = 2;
const utf8 = new TextEncoder();

/**
 * Collects the token ids of several texts in one growing buffer, which is kept between uses: a prompt of thousands of
 * tokens then costs one allocation of its own size.
 */
export class TokenBuffer {
  #ids = new Int32Array(4_096);
  #bytes = new Uint8Array(4_096);
  #count = 0;

  token(id: number): this {
    this.#reserve(1);
    this.#ids[this.#count++] = id;
    return this;
  }

  /**
   * Adds the tokens of a text: greedy word pieces of up to 4 letters or digits that take one space before them along,
   * and the UTF-8 bytes of everything else.
   */
  text(text: string): this {
    // Up to 3 bytes for one UTF-16 unit, and the end marks.
    const longest = 3 * text.length + endMarks;
    if (longest > this.#bytes.length) this.#bytes = new Uint8Array(2 * longest);
    const bytes = this.#bytes;
    const { written: length } = utf8.encodeInto(text, bytes);
    bytes.fill(0, length, length + endMarks);
    this.#reserve(length);
    const ids = this.#ids;
    let count = this.#count;
    let at = 0;
    while (at < length) {
      const first = bytes[at]!;
      const start = first === space ? at + 1 : at;
      let number = digitOfByte[bytes[start]!]!;
      if (number === 0) {
        ids[count++] = first;
        at++;
        continue;
      }
      // Unrolled, and ended by the marks instead of a count: prompts are most of what a simulated engine reads.
      let end = start + 1;
      const second = digitOfByte[bytes[end]!]!;
      if (second !== 0) {
        number = number * wordBase + second;
        const third = digitOfByte[bytes[++end]!]!;
        if (third !== 0) {
          number = number * wordBase + third;
          const fourth = digitOfByte[bytes[++end]!]!;
          if (fourth !== 0) {
            number = number * wordBase + fourth;
            end++;
          }
        }
      }
      ids[count++] = wordToken(number, start !== at);
      at = end;
    }
    this.#count = count;
    return this;
  }

  /** The ids so far; the buffer is empty afterwards. */
  take(): Int32Array {
    const ids = this.#ids.slice(0, this.#count);
    this.#count = 0;
    return ids;
  }

  #reserve(more: number): void {
    if (this.#count + more <= this.#ids.length) return;
    const larger = new Int32Array(2 * (this.#count + more));
    larger.set(this.#ids.subarray(0, this.#count));
    this.#ids = larger;
  }
}

const scratch = new TokenBuffer();

/**
 * Token ids of a text. `decode(encode(text))` is `text` for every well-formed text. A piece never reaches past a space,
 * so `encode(a + b)` is `encode(a)` followed by `encode(b)` for every `b` that starts with a space and a letter: every
 * generated token starts so.
 */
export function encode(text: string): Int32Array {
  return scratch.text(text).take();
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
