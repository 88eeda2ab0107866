import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { parseLogLine } from '../../runtime/log-monitor/parse-line.ts';

interface Group {
  readonly title: string;
  readonly kind: string;
  readonly lines: readonly string[];
}

/** A group is a run of comment lines and the data behind it; blank lines may also stand inside the data. */
function readGroups(text: string): Group[] {
  const groups: { title: string; kind: string; lines: string[] }[] = [];
  let wasComment = false;
  for (const line of text.split('\n')) {
    const isComment = line.startsWith('# ');
    if (isComment && !wasComment) groups.push({ title: line.slice(2), kind: 'header', lines: [] });
    const kind = isComment ? /\bkind: ([\w-]+)/.exec(line)?.[1] : undefined;
    if (kind) groups.at(-1)!.kind = kind;
    if (!isComment && line !== '') groups.at(-1)!.lines.push(line);
    wasComment = isComment;
  }
  return groups.filter((group) => group.lines.length > 0);
}

const groups = readGroups(readFileSync(`${import.meta.dirname}/../fixtures/sglang-log-lines.txt`, 'utf8'));
const positive = groups.filter(({ kind }) => kind !== 'negative' && kind !== 'non-standard');
const negative = groups.filter(({ kind }) => kind === 'negative' || kind === 'non-standard');

function batchesOf(group: Group): unknown[] {
  return group.lines.map(parseLogLine).filter((event) => event?.kind === 'prefill' || event?.kind === 'decode');
}

test('the fixture was read whole', () => {
  expect(positive.length).toBeGreaterThan(35);
  expect(negative.length).toBeGreaterThan(5);
});

describe('positive groups: every batch line is understood, and nothing else', () => {
  test.each(positive)('$title', (group) => {
    const batchLines = group.lines.filter((line) => /(?:Prefill|Decode) batch[ .,([]/.test(line));
    expect(batchesOf(group)).toHaveLength(batchLines.length);
  });
});

describe('positive groups: every field stands in its line as `name: value`', () => {
  test.each(positive)('$title', (group) => {
    for (const line of group.lines) {
      const event = parseLogLine(line);
      if (event?.kind !== 'prefill' && event?.kind !== 'decode') continue;
      const printed = line.split(/[.,] /).flatMap((part) => part.split(','));
      for (const [name, value] of Object.entries(event.fields)) {
        const pair = printed.find((part) => part.trimStart().startsWith(`${name}: `))!;
        expect(
          valueAsPrinted(
            pair
              .trimStart()
              .slice(name.length + 2)
              .trim(),
          ),
        ).toBe(value);
      }
    }
  });
});

describe('negative and foreign groups: no batch', () => {
  test.each(negative)('$title', (group) => {
    expect(batchesOf(group)).toEqual([]);
  });
});

function valueAsPrinted(text: string): unknown {
  if (text === 'True' || text === 'False') return text === 'True';
  if (text.endsWith('%')) return Number((Number(text.slice(0, -1)) / 100).toFixed(8));
  return text.includes('T') ? text : Number(text);
}
