import fc from 'fast-check';
import { ChunkedDecoder } from '../../../runtime/router/front/chunked-decoder.ts';
import { CodedError } from '../../../runtime/shared/errors.ts';

/** Feeds `bytes` in pieces that end at `cuts`. @returns the body, and what was left when it was complete */
function decode(bytes: Buffer, cuts: readonly number[] = []) {
  const decoder = new ChunkedDecoder();
  const parts: Buffer[] = [];
  const ends = [...new Set([...cuts, bytes.length])].sort((a, b) => a - b);
  let from = 0;
  for (const end of ends) {
    const piece = bytes.subarray(from, end);
    const used = decoder.push(piece, 0, (part) => parts.push(Buffer.from(part)));
    from += used;
    if (decoder.isDone) break;
    expect(used).toBe(piece.length);
  }
  return {
    body: Buffer.concat(parts).toString('latin1'),
    isDone: decoder.isDone,
    rest: bytes.toString('latin1', from),
  };
}

const decodeText = (text: string) => decode(Buffer.from(text, 'latin1'));

test('chunks with extensions and a trailer, and what follows stays', () => {
  expect(decodeText('5\r\nhello\r\n0a ;x="y;z"\r\n, world..!\r\n00\r\nX-T: 1\r\n\r\nGET /')).toEqual({
    body: 'hello, world..!',
    isDone: true,
    rest: 'GET /',
  });
});

test.each([
  ['a size in another base', '0x5\r\n'],
  ['a negative size', '-1\r\n'],
  ['a signed size', '+5\r\n'],
  ['no size', '\r\n'],
  ['an extension without a size', ';a\r\n'],
  ['a size above 32 bits', '100000000\r\n'],
  ['a size behind a blank', ' 5\r\n'],
  ['a bare line feed behind the size', '5\nhello\r\n'],
  ['a carriage return inside an extension', '5;a\rb\r\n'],
  ['a line feed inside an extension', '5;a\n0\r\n\r\n'],
  ['a NUL inside an extension', '5;a\0\r\n'],
  ['a chunk that is longer than its size', '2\r\nabc\r\n'],
  ['a chunk that ends with a bare line feed', '2\r\nab\n0\r\n\r\n'],
  ['an endless size line', `5;${'x'.repeat(5_000)}`],
  ['an endless trailer', `0\r\n${'x: y\r\n'.repeat(5_000)}`],
  ['a bare line feed in the trailer', '0\r\nx: y\n\r\n'],
])('%s is refused', (_what, text) => {
  expect(() => decodeText(text)).toThrow(CodedError);
});

const chunk = fc.record({
  data: fc.uint8Array({ minLength: 1, maxLength: 40 }),
  zeros: fc.constantFrom('', '0', '00'),
  isUpper: fc.boolean(),
  extension: fc.constantFrom('', ';a', ';a=b', ' ;a="b,c"', '\t'),
});

const wire = fc.tuple(fc.array(chunk), fc.constantFrom('', 'T: 1\r\n', 'T: 1\r\nU: 2\r\n')).map(([chunks, trailer]) => {
  const parts = chunks.flatMap(({ data, zeros, isUpper, extension }) => {
    const hex = data.length.toString(16);
    return [Buffer.from(`${zeros}${isUpper ? hex.toUpperCase() : hex}${extension}\r\n`), data, Buffer.from('\r\n')];
  });
  return {
    bytes: Buffer.concat([...parts, Buffer.from(`0\r\n${trailer}\r\nNEXT`)]),
    body: Buffer.concat(chunks.map(({ data }) => data)).toString('latin1'),
  };
});

test('however chunks are cut on their way, the body is the same and nothing behind it is touched', () => {
  fc.assert(
    fc.property(wire, fc.array(fc.nat(2_000)), ({ bytes, body }, cuts) => {
      const fitting = cuts.map((cut) => cut % bytes.length).filter((cut) => cut > 0);
      expect(decode(bytes, fitting)).toEqual({ body, isDone: true, rest: 'NEXT' });
    }),
  );
});

test('garbage is refused with a code or waits for more, and never ends a body that was not ended', () => {
  const piece = fc.oneof(
    fc.constantFrom('5', '\r\n', '\n', '0', ';', 'a', ' '),
    fc.uint8Array({ maxLength: 10 }).map((array) => Buffer.from(array).toString('latin1')),
  );
  fc.assert(
    fc.property(fc.array(piece), fc.array(fc.nat(100)), (pieces, cuts) => {
      const bytes = Buffer.from(pieces.join(''), 'latin1');
      try {
        if (
          decode(
            bytes,
            cuts.filter((cut) => cut < bytes.length),
          ).isDone
        )
          expect(bytes.includes('0\r\n')).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(CodedError);
      }
    }),
  );
});
