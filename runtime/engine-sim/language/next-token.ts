import { endOfTextToken, tokenOfWord } from './vocabulary.ts';

/**
 * The language model: the next token is a function of all token ids so far and of nothing else. A stream that is cut and
 * continued elsewhere from prompt + partial answer therefore goes on with exactly the text that the uncut one had.
 */

/** What the model says: ` bad` to ` zuv`, 415 words, each one token that starts with a space and is 4 bytes long. */
const words: readonly string[] = makeWords();
const wordTokens = Int32Array.from(words, tokenOfWord);

function makeWords(): string[] {
  const vowels = [...'aeiou'];
  const lasts = [...'dlmnrv'];
  // Syllables that read badly in a log.
  const left = new Set([' bum', ' dum', ' hor', ' pud', ' sod']);
  return [...'bdhjklmnprstvz']
    .flatMap((first) => vowels.flatMap((vowel) => lasts.map((last) => ` ${first}${vowel}${last}`)))
    .filter((word) => !left.has(word));
}

/** Digest of the empty sequence. A digest is 32 bits; each token is mixed in with its position, so that none cycles. */
export const emptyDigest = 0x5eed;

/** Digest of `ids`, which stand from `position` on behind a sequence of that digest. */
export function digestOf(ids: Int32Array, digest = emptyDigest, position = 0): number {
  let result = digest;
  for (let i = 0; i < ids.length; i++) result = extendDigest(result, ids[i]!, position + i);
  return result;
}

export function extendDigest(digest: number, id: number, position: number): number {
  // The sum is cut to 32 bits before the product, which would do it anyway: otherwise V8 adds in floating point.
  const mixed = Math.imul(((digest ^ id) + Math.imul(position, 0x27d4eb2f)) | 0, 0x85ebca6b);
  return mixed ^ (mixed >>> 13);
}

export interface NextToken {
  readonly token: number;
  /** What the token adds to the text; empty for the end of text. */
  readonly text: string;
  /** Whether it is the end of text. */
  readonly stop: boolean;
}

export const endOfText: NextToken = { token: endOfTextToken, text: '', stop: true };
const nextTokens: readonly NextToken[] = words.map((text, i) => ({ token: wordTokens[i]!, text, stop: false }));

/** The word that follows a sequence. */
export function nextWord(digest: number): NextToken {
  return nextTokens[(scramble(digest) >>> 0) % nextTokens.length]!;
}

/**
 * Whether the text ends after this sequence: one sequence in `meanOutputTokens` does, so that answers have geometric
 * lengths with that mean. 0 means that no text ever ends by itself.
 */
export function textEndsAfter(digest: number, meanOutputTokens: number): boolean {
  return meanOutputTokens > 0 && (scramble(digest ^ 0x0e05) >>> 0) % meanOutputTokens === 0;
}

/** The finaliser of MurmurHash3 (Appleby, public domain): every input bit reaches every output bit. */
function scramble(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
