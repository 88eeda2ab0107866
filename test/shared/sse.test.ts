import fc from 'fast-check';
import { EventSplitter, formatEvent } from '../../runtime/shared/sse.ts';

function split(parts: readonly Uint8Array[]): string[] {
  const splitter = new EventSplitter();
  return parts.flatMap((part) => splitter.push(part));
}

const bytes = (text: string) => new TextEncoder().encode(text);

test('comments, other fields and several data lines', () => {
  expect(split([bytes(': ping\n\nevent: x\ndata: a\ndata:b\n\ndata: c\n\n')])).toEqual(['a\nb', 'c']);
});

test.each(['\n', '\r\n', '\r'])('line ends %j', (end) => {
  expect(split([bytes(`data: a${end}${end}data: b${end}${end}`)])).toEqual(['a', 'b']);
});

test('half an event is kept until its rest comes, and never given out alone', () => {
  const splitter = new EventSplitter();
  expect(splitter.push(bytes('data: {"a"'))).toEqual([]);
  expect(splitter.push(bytes(':1}\n'))).toEqual([]);
  expect(splitter.push(bytes('\n'))).toEqual(['{"a":1}']);
});

test('an event beyond the bound is refused', () => {
  expect(() => new EventSplitter(100).push(bytes(`data: ${'x'.repeat(200)}`))).toThrow(RangeError);
});

test('nor is one of endless empty lines taken', () => {
  const splitter = new EventSplitter(100);
  expect(() => {
    for (let i = 0; i < 200; i++) splitter.push(bytes('data:\n'));
  }).toThrow(RangeError);
});

test('any events, cut anywhere in their bytes, come out as they went in', () => {
  const payload = fc.string({ unit: 'grapheme', minLength: 1 }).map((text) => JSON.stringify(text));
  fc.assert(
    fc.property(fc.array(payload), fc.array(fc.nat(2_000)), fc.boolean(), (payloads, cuts, crlf) => {
      const text = payloads.map(formatEvent).join('');
      const all = bytes(crlf ? text.replaceAll('\n', '\r\n') : text);
      const at = [0, ...cuts.map((cut) => Math.min(cut, all.length)).sort((a, b) => a - b), all.length];
      expect(split(at.slice(1).map((end, i) => all.subarray(at[i], end)))).toEqual(payloads);
    }),
  );
});
