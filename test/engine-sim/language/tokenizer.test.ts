import fc from 'fast-check';
import { decode, encode } from '../../../runtime/engine-sim/language/tokenizer.ts';
import { messageStartToken, textOfToken, tokenOfWord } from '../../../runtime/engine-sim/language/vocabulary.ts';

const wellFormedText = fc.string({ unit: 'grapheme', maxLength: 60 });
/** What the model says: words with a space before each. */
const generatedText = fc.array(fc.stringMatching(/^ [a-z]{3}$/), { maxLength: 20 }).map((words) => words.join(''));

test('any text comes back from its tokens', () => {
  fc.assert(fc.property(wellFormedText, (text) => expect(decode(encode(text))).toBe(text)));
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => expect(decode(encode(text))).toBe(text)));
});

test('the tokens of a prompt and a partial answer are those of the prompt, then those of the answer', () => {
  fc.assert(
    fc.property(wellFormedText, generatedText, (prompt, partial) => {
      expect([...encode(prompt + partial)]).toEqual([...encode(prompt), ...encode(partial)]);
    }),
  );
});

test('a space and three letters are one token, whatever stands around', () => {
  fc.assert(fc.property(generatedText, (text) => expect(encode(text).length).toBe(text.length / 4)));
});

test('words of up to four letters or digits are one token with the space before them', () => {
  expect(encode(' kfzo abc x 2026 A1').length).toBe(5);
  expect(encode('route').length).toBe(2);
});

test('punctuation and characters beyond ASCII cost a token per byte', () => {
  expect([...encode('(!')]).toEqual([0x28, 0x21]);
  expect([...encode('é')]).toEqual([0xc3, 0xa9]);
  expect(encode('  ab').length).toBe(2);
});

test('a word becomes the token that says it', () => {
  for (const word of ['abc', ' abc', 'Zz09', ' a']) {
    expect(textOfToken(tokenOfWord(word))).toBe(word);
    expect([...encode(word)]).toEqual([tokenOfWord(word)]);
  }
  expect(() => tokenOfWord(' abcde')).toThrow(RangeError);
});

test('special tokens are left out of a text unless asked for', () => {
  expect(decode([messageStartToken, 0x61])).toBe('a');
  expect(decode([messageStartToken, 0x61], false)).toBe('<|im_start|>a');
});

test('ids outside the vocabulary and bytes that are no UTF-8 do not fail', () => {
  expect(decode([2 ** 30, -1, 0x61])).toBe('a');
  expect(decode([0xff])).toBe('�');
});
