import { blockTokens } from './trace.ts';

/** A space and three lowercase letters. */
export const bytesPerToken = 4;
const { imul } = Math;
const blockBytes = blockTokens * bytesPerToken;

/** All words from ` aaa` to ` zzz`, one per element. */
const words = allWords();
/** A constant and not `words.length`: the division by it becomes a multiplication. */
const wordCount = 26 ** 3;

/** Blocks that are remembered, 32 MiB. Beyond it the oldest are made again when they come back. */
const slotCount = 16_384;

/**
 * The text of block ids: equal ids give equal text, different ids different text, and another seed other text for all.
 * Texts are remembered in one slab, because memory of their own would cost four times as much as making them.
 */
export class BlockTexts {
  readonly #seed: number;
  readonly #slab = new Uint32Array(slotCount * blockTokens);
  readonly #bytes = Buffer.from(this.#slab.buffer);
  readonly #slotOfId = new Map<number, number>();
  readonly #idInSlot: number[] = [];
  #nextSlot = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** The 512 words of a block. The view is valid until the next call. */
  of(id: number): Buffer {
    const slot = this.#slotOfId.get(id) ?? this.#make(id);
    return this.#bytes.subarray(slot * blockBytes, (slot + 1) * blockBytes);
  }

  #make(id: number): number {
    const slot = this.#nextSlot;
    this.#nextSlot = (slot + 1) % slotCount;
    const evicted = this.#idInSlot[slot];
    if (evicted !== undefined) this.#slotOfId.delete(evicted);
    this.#idInSlot[slot] = id;
    this.#slotOfId.set(id, slot);
    writeBlock(this.#slab, slot * blockTokens, id, this.#seed);
    return slot;
  }
}

/** Fills one block with mulberry32, started at a mix of id and seed that is injective for ids below 2^32. */
function writeBlock(target: Uint32Array, offset: number, id: number, seed: number): void {
  let state = mix(id ^ mix(seed)) ^ mix(Math.floor(id / 2 ** 32));
  for (let i = 0; i < blockTokens; i++) {
    state = (state + 0x6d2b79f5) | 0;
    let t = imul(state ^ (state >>> 15), 1 | state);
    t = (t + imul(t ^ (t >>> 7), 61 | t)) ^ t;
    target[offset + i] = words[((t ^ (t >>> 14)) >>> 0) % wordCount]!;
  }
}

/** The 32-bit finaliser of MurmurHash3: a bijection, 0 maps to 0. */
function mix(value: number): number {
  let h = value | 0;
  h = imul(h ^ (h >>> 16), 0x85ebca6b);
  h = imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

function allWords(): Uint32Array {
  const letters = [...'abcdefghijklmnopqrstuvwxyz'];
  const text = letters.flatMap((a) => letters.flatMap((b) => letters.map((c) => ` ${a}${b}${c}`))).join('');
  // Copied, because a view of 32-bit elements needs memory that is aligned to them.
  return new Uint32Array(Uint8Array.from(Buffer.from(text)).buffer);
}
