import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { parseLogLine } from '../../runtime/log-monitor/parse-line.ts';

const fixtures = `${import.meta.dirname}/../fixtures`;
const recorded = readFileSync(`${fixtures}/sglang-log-lines.txt`, 'utf8').split('\n');

/** What was read off the lines by eye. */
interface Case {
  readonly name: string;
  readonly line: string;
  readonly event: object;
}

/** Each stands in the file of recorded lines. */
const published = casesOf('batch-lines-published');
/** Shapes that SGLang's source prints but nobody published, and damage that may happen to any line. */
const constructed = casesOf('batch-lines-constructed');

function casesOf(file: string): Case[] {
  return readFileSync(`${fixtures}/${file}.jsonl`, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

describe('published batch lines', () => {
  test.each(published)('$name', ({ line, event }) => {
    expect(recorded).toContain(line);
    expect(parseLogLine(line)).toEqual(event);
  });

  test('are at least 40 shapes', () => {
    expect(published.length).toBeGreaterThanOrEqual(40);
  });
});

describe('constructed batch lines', () => {
  test.each(constructed)('$name', ({ line, event }) => {
    expect(parseLogLine(line)).toEqual(event);
  });
});

describe('lines that only look like batch lines', () => {
  test.each([
    ['a fork', '[2026-07-30 13:47:31 TP1] Prefill rank batch, #new-token: 80, #cached-token: 0'],
    ['a head without fields', '[2026-07-30 13:47:31 TP1] Prefill batch, '],
    ['prose', 'A Decode batch, as the paper says, is larger than a Prefill batch.'],
    ['the second half of a wrapped line', '#running-req: 5, #token: 1938, token usage: 0.24, #queue-req: 0'],
    ['the wording of 0.1', 'new fill batch. #seq: 1. #cached_token: 757. #new_token: 1. #remaining_req: 4.'],
    [
      'a prompt in the request log',
      "[2026-07-30 13:47:31] Receive: obj=GenerateReqInput(text='[2026-05-07 13:40:41] Decode batch, #running-req: 1')",
    ],
    [
      'a prompt in the JSON request log',
      '[2026-07-30 13:47:31] {"timestamp": "x", "event": "request.finished", "out": "Decode batch, #running-req: 1, a: b"}',
    ],
  ])('%s', (_name, line) => {
    expect(parseLogLine(line)).toBeUndefined();
  });
});
