/** Bytes of prompt that one block hash stands for: about 512 tokens of English. */
export const blockBytes = 2_048;

/**
 * Hashes a prompt in fixed blocks into a rolling chain: entry `i` stands for all bytes up to the end of block `i`, so two
 * prompts share a prefix of k blocks exactly when their first k entries are equal (up to collisions, 1 in 2^31 per pair).
 * The rest behind the last full block has no entry.
 */
export function hashPromptBlocks(body: Buffer, start: number, end: number): number[] {
  const chain: number[] = [];
  // Two FNV-1a style lanes over 32-bit words with a final mix per block: enough against accidents, no defence needed,
  // since a collision only misplaces a request.
  let low = 0x811c9dc5;
  let high = 0x9747b28c;
  const lastBlock = end - blockBytes;
  for (let at = start; at <= lastBlock; at += windowBytes) {
    const blocks = Math.min(blocksPerWindow, Math.floor((end - at) / blockBytes));
    body.copy(windowAsBytes, 0, at, at + blocks * blockBytes);
    for (let block = 0; block < blocks; block++) {
      const first = block * wordsPerBlock;
      for (let i = first; i < first + wordsPerBlock; i += 2) {
        low = Math.imul(low ^ windowAsWords[i]!, 0x01000193) ^ (low >>> 15);
        high = Math.imul(high ^ windowAsWords[i + 1]!, 0x85ebca6b) ^ (high >>> 13);
        low = (low + high) | 0;
      }
      // 31 bits: what V8 keeps as a small integer costs a map a fraction of what other numbers do.
      chain.push(mix(mix(low) ^ high) >>> 1);
    }
  }
  return chain;
}

/**
 * Bytes are hashed through a window of their own, as 32-bit words: a body begins anywhere in memory, and reading words
 * out of a Buffer checks each of them. In the machine's byte order, which is the same for one router's whole life.
 */
const blocksPerWindow = 16;
const windowBytes = blocksPerWindow * blockBytes;
const wordsPerBlock = blockBytes / 4;
const windowAsBytes = Buffer.allocUnsafeSlow(windowBytes);
const windowAsWords = new Int32Array(windowAsBytes.buffer, 0, windowBytes / 4);

/** The finaliser of MurmurHash3 (public domain, Austin Appleby). */
function mix(value: number): number {
  let h = value ^ (value >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
