/**
 * The simulator's fixed vocabulary. A token is one of
 * - a byte (ids 0 to 255), the fallback that makes every text encodable;
 * - a special token of the chat template (ids 256 to 258);
 * - a word piece (ids from 259): an optional leading space and 1 to 4 ASCII letters or digits.
 * A word piece's id is its characters read as a base-63 number, so that no table is needed in either direction.
 */

export const endOfTextToken = 256;
export const messageStartToken = 257;
export const messageEndToken = 258;
export const specialTokenTexts: readonly string[] = ['<|endoftext|>', '<|im_start|>', '<|im_end|>'];

const firstWordToken = 259;
/** Most characters of a word piece beside its leading space. */
export const maxWordCharacters = 4;
/** Digit 0 stands for "no character". */
export const wordBase = 63;

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** Digit of a byte, 0 for one that is in no word piece. */
export const digitOfByte = new Uint8Array(256);
for (let i = 0; i < alphabet.length; i++) digitOfByte[alphabet.charCodeAt(i)] = i + 1;

/** One past the largest id. */
export const vocabularySize = firstWordToken + 2 * wordBase ** maxWordCharacters;

/** Token of the word whose digits form `number` (most significant first). */
export function wordToken(number: number, hasLeadingSpace: boolean): number {
  return firstWordToken + number * 2 + (hasLeadingSpace ? 1 : 0);
}

/** Token of ` abc` style words that are known to be one piece; throws RangeError for any other text. */
export function tokenOfWord(text: string): number {
  const word = text.startsWith(' ') ? text.slice(1) : text;
  let number = 0;
  for (const character of word) number = number * wordBase + (digitOfByte[character.charCodeAt(0)] ?? 0);
  const token = wordToken(number, text.startsWith(' '));
  if (word.length > maxWordCharacters || textOfToken(token) !== text) throw new RangeError(`not one token: "${text}"`);
  return token;
}

/** Text of a word piece or special token; undefined for a byte and for an id outside the vocabulary. */
export function textOfToken(token: number): string | undefined {
  if (token < endOfTextToken) return undefined;
  if (token < firstWordToken) return specialTokenTexts[token - endOfTextToken];
  if (token >= vocabularySize) return undefined;
  let number = Math.floor((token - firstWordToken) / 2);
  let word = '';
  for (; number > 0; number = Math.floor(number / wordBase)) {
    word = alphabet.charAt((number % wordBase) - 1) + word;
  }
  return (token - firstWordToken) % 2 === 1 ? ` ${word}` : word;
}

export function isSpecialToken(token: number): boolean {
  return token >= endOfTextToken && token < firstWordToken;
}
