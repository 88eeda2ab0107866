import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parsePrometheusText } from '../../../runtime/log-monitor/sources/prometheus-text.ts';

const all = () => true;
const read = (text: string) =>
  parsePrometheusText(text, all).map(({ name, labels, value }) => [name, { ...labels }, value]);

test('samples with and without labels, times, odd blanks and every kind of number', () => {
  expect(
    read(
      [
        '# HELP sglang:a text',
        '# TYPE sglang:a counter',
        'sglang:a 3',
        'sglang:a{} 4.5e-2 1700000000000',
        'sglang:b{x="1",y="a,b}c",} +Inf',
        'sglang:b{ x = "q\\"\\\\\\n" , z="" }\t-1.5E+3',
        '',
      ].join('\n'),
    ),
  ).toEqual([
    ['sglang:a', {}, 3],
    ['sglang:a', {}, 0.045],
    ['sglang:b', { x: '1', y: 'a,b}c' }, Infinity],
    ['sglang:b', { x: 'q"\\\n', z: '' }, -1500],
  ]);
});

test.each([
  'sglang:a NaN',
  'sglang:a',
  'sglang:a{x="1" 3',
  'sglang:a{x=1} 3',
  'sglang:a{x="1"} 3 4 5',
  'sglang:a{x="1"} 0x10',
  '<html><body>502 Bad Gateway</body></html>',
  '{"error": "Unauthorized"}',
])('%s is no sample', (line) => {
  expect(read(`${line}\n`)).toEqual([]);
});

test('a last line without its line feed was cut, maybe inside its number', () => {
  expect(read('sglang:a 12\nsglang:b 12')).toEqual([['sglang:a', {}, 12]]);
});

test('names that a collector rewrote are read as the engine writes them', () => {
  expect(read('sglang_num_queue_reqs 2\n')).toEqual([['sglang:num_queue_reqs', {}, 2]]);
});

test('only what is wanted is read', () => {
  expect(parsePrometheusText('a 1\nb 2\n', (name) => name === 'b')).toMatchObject([{ name: 'b', value: 2 }]);
});

test('a label called __proto__ is a label', () => {
  const [sample] = parsePrometheusText('a{__proto__="x"} 1\n', all);
  expect(Object.keys(sample!.labels)).toEqual(['__proto__']);
});

test('the number of samples is bounded', () => {
  expect(parsePrometheusText('a 1\n'.repeat(60_000), all)).toHaveLength(50_000);
});

test('whatever text comes, nothing is thrown and nothing read that is not there', () => {
  const line = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.tuple(fc.constantFrom('sglang:a', 'b', ''), fc.string(), fc.double()).map(([a, b, c]) => `${a}{x="${b}"} ${c}`),
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 20 }), (lines) => {
      const text = `${lines.join('\n')}\n`;
      for (const { name, value } of parsePrometheusText(text, all)) {
        expect(text.includes(name.slice(7)) && !Number.isNaN(value)).toBe(true);
      }
    }),
    { numRuns: 2_000 },
  );
});

const label = fc.string().map((text) => text.replace(/[\r\n]/g, ' '));
test('what a client library writes is read back', () => {
  fc.assert(
    fc.property(label, fc.double({ noNaN: true }), (text, value) => {
      const escaped = text.replaceAll('\\', '\\\\').replaceAll('"', '\\"');
      const printed = Object.is(value, Infinity) ? '+Inf' : Object.is(value, -Infinity) ? '-Inf' : String(value);
      expect(parsePrometheusText(`m{l="${escaped}"} ${printed}\n`, all)).toMatchObject([{ labels: { l: text } }]);
    }),
  );
});
