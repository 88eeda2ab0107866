import { blockTokens, type TraceRequest } from './trace.ts';

/**
 * Prompt text for a trace that has none: every block id becomes 512 words, a space and three lowercase letters each,
 * which is one token of four bytes to the engine simulator (a real tokenizer makes one or two of it). Equal ids give
 * equal text and different ids different text, so prompts share exactly the blocks that the trace says they share.
 */
export const bytesPerToken = 4;

/** All words from ` aaa` to ` zzz`, one per element. */
const words = allWords();

/** Bound on remembered text. Beyond it the oldest blocks are made again when they come back (4 us a block). */
const cacheBytes = 32 * 1024 * 1024;

/** Makes prompts for one seed. Another seed gives other text with the same sharing: nothing that an engine has cached. */
export class PromptWriter {
  readonly #seed: number;
  readonly #blocks = new Map<number, Buffer>();

  constructor(seed = 0) {
    this.#seed = seed;
  }

  /**
   * The request's prompt between `head` and `tail`, in one buffer. Needs no JSON escapes.
   * @throws RangeError when the ids are too few for `inputTokens`
   */
  wrap(request: Pick<TraceRequest, 'blockIds' | 'inputTokens'>, head: Buffer, tail: Buffer): Buffer {
    const promptBytes = request.inputTokens * bytesPerToken;
    const body = Buffer.allocUnsafe(head.length + promptBytes + tail.length);
    let offset = head.copy(body, 0);
    const end = offset + promptBytes;
    for (const id of request.blockIds) offset += this.#block(id).copy(body, offset, 0, end - offset);
    if (offset < end) {
      throw new RangeError(`${request.blockIds.length} block ids are too few for ${request.inputTokens} tokens.`);
    }
    tail.copy(body, end);
    return body;
  }

  #block(id: number): Buffer {
    const known = this.#blocks.get(id);
    if (known !== undefined) return known;
    const text = blockText(id, this.#seed);
    if (this.#blocks.size >= cacheBytes / (blockTokens * bytesPerToken)) {
      this.#blocks.delete(this.#blocks.keys().next().value!);
    }
    this.#blocks.set(id, text);
    return text;
  }
}

/** The 512 words of a block id: mulberry32 started at a mix of id and seed that is injective for ids below 2^32. */
function blockText(id: number, seed: number): Buffer {
  const block = new Uint32Array(blockTokens);
  let state = mix(id ^ mix(seed)) ^ mix(Math.floor(id / 2 ** 32));
  for (let i = 0; i < blockTokens; i++) {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    block[i] = words[((t ^ (t >>> 14)) >>> 0) % words.length]!;
  }
  return Buffer.from(block.buffer);
}

/** The 32-bit finaliser of MurmurHash3: a bijection, 0 maps to 0. */
function mix(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

function allWords(): Uint32Array {
  const letters = 'abcdefghijklmnopqrstuvwxyz';
  const text = Array.from(letters, (a) =>
    Array.from(letters, (b) => Array.from(letters, (c) => ` ${a}${b}${c}`).join('')).join(''),
  ).join('');
  // Copied, because a view of 32-bit elements needs memory that is aligned to them.
  return new Uint32Array(Uint8Array.from(Buffer.from(text)).buffer);
}
