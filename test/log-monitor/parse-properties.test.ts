import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseLogLine } from '../../runtime/log-monitor/parse-line.ts';

const lines = readFileSync(`${import.meta.dirname}/../fixtures/sglang-log-lines.txt`, 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('# '));
const batchLines = lines.filter((line) => /(?:Prefill|Decode) batch/.test(line));

const anyLine = fc.constantFrom(...lines);
const batchLine = fc.constantFrom(...batchLines);
const fraction = fc.double({ min: 0, max: 1, noNaN: true });

const cutOut = fc
  .tuple(batchLine, fraction, fraction)
  .map(([line, a, b]) => line.slice(0, Math.min(a, b) * line.length) + line.slice(Math.max(a, b) * line.length));
const cutEnds = fc
  .tuple(batchLine, fraction, fraction)
  .map(([line, a, b]) => line.slice(Math.min(a, b) * line.length, Math.max(a, b) * line.length));
const glued = fc
  .tuple(fc.oneof(anyLine, fc.string()), fraction, batchLine, fc.oneof(anyLine, fc.string()))
  .map(([before, part, line, after]) => before.slice(0, part * before.length) + line + after);
const colour = fc.constantFrom('\x1b[0m', '\x1b[1;31m', '\x1b[38;5;208m', '\x1b[2K', '\x1b]0;title\x07', '\x1b[');
const coloured = fc
  .tuple(batchLine, fc.array(fc.tuple(fraction, colour), { minLength: 1, maxLength: 6 }))
  .map(([line, marks]) =>
    marks.reduce((text, [place, mark]) => {
      const at = Math.floor(place * text.length);
      return text.slice(0, at) + mark + text.slice(at);
    }, line),
  );
const wrapped = fc
  .tuple(batchLine, fc.integer({ min: 20, max: 200 }), fc.constantFrom('\r', '\r\n', '  ', '\t'))
  .map(([line, width, at]) => line.replace(new RegExp(`(.{${width}})`, 'g'), `$1${at}`));
const mutated = fc.oneof(cutOut, cutEnds, glued, coloured, wrapped);

describe('any text at all', () => {
  test('never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 400 }), mutated), (text) => {
        parseLogLine(text);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('a mutated batch line', () => {
  test('never yields a field that was not in the line', () => {
    fc.assert(
      fc.property(mutated, (line) => {
        const event = parseLogLine(line);
        if (event?.kind !== 'prefill' && event?.kind !== 'decode') return;
        // What a terminal would show: blanks are no matter, colours are gone.
        // biome-ignore lint/suspicious/noControlCharactersInRegex: escape codes are the point
        const visible = line.replace(/\x1b\[[0-9;]*[A-Za-z]|\x1b\]0;title\x07/g, '').replace(/\s/g, '');
        for (const [name, value] of Object.entries(event.fields)) {
          if (name === 'mixed #running-req') continue;
          const texts = visible.split(`${name.replace(/\s/g, '')}:`).slice(1);
          if (!texts.some((text) => isPrinted(value, /^[^,]*/.exec(text)![0]))) {
            throw new Error(`${name}=${value} was made up from ${JSON.stringify(line)}`);
          }
        }
      }),
      { numRuns: 100_000 },
    );
  });

  test('keeps the fields in front of a cut at the end', () => {
    fc.assert(
      fc.property(batchLine, fraction, (line, part) => {
        const cut = line.slice(0, part * line.length);
        const whole = parseLogLine(line);
        const event = parseLogLine(cut);
        if (event?.kind !== 'prefill' && event?.kind !== 'decode') return;
        const names = Object.keys(event.fields);
        // The last value may be a shorter number than was printed; every other one is whole.
        for (const name of names.slice(0, -1)) {
          expect((whole as { fields: Record<string, unknown> }).fields[name]).toEqual(
            (event.fields as Record<string, unknown>)[name],
          );
        }
      }),
      { numRuns: 5_000 },
    );
  });

  test('regression: digits behind a cut escape code were taken for a part of it', () => {
    const event = parseLogLine(
      '[2026-05-07 13:40:41] Prefill batch, #new-seq: 1, #new-token: \x1b[1294728, #queue-req: 0',
    );
    expect(event).toMatchObject({ fields: { '#new-seq': 1 } });
    expect(event).not.toHaveProperty(['fields', '#new-token']);
  });

  test('colours change nothing', () => {
    const wholeCodes = fc
      .tuple(batchLine, fc.array(fc.tuple(fraction, fc.constantFrom('\x1b[0m', '\x1b[1;31m', '\x1b[38;5;208m'))))
      .filter(([line]) => !line.includes('\x1b'));
    fc.assert(
      fc.property(wholeCodes, ([line, marks]) => {
        // From right to left, so that no code lands inside another.
        const inOrder = marks.toSorted(([a], [b]) => b - a);
        const text = inOrder.reduce((sofar, [place, mark]) => {
          const at = Math.floor(place * line.length);
          return sofar.slice(0, at) + mark + sofar.slice(at);
        }, line);
        expect(parseLogLine(text)).toEqual(parseLogLine(line));
      }),
      { numRuns: 2_000 },
    );
  });
});

/** Whether the engine may have printed `value` as `text`. */
function isPrinted(value: unknown, text: string): boolean {
  if (typeof value === 'boolean') return text === (value ? 'True' : 'False');
  if (typeof value !== 'number') return text === value;
  return text.endsWith('%') ? Math.abs(Number(text.slice(0, -1)) / 100 - value) < 1e-9 : Number(text) === value;
}
