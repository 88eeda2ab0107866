import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { dueAtMs } from '../../runtime/cli/replay/schedule.ts';
import { loadTrace, parseTraceLine } from '../../runtime/cli/replay/trace.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const bundledTrace = path.join(import.meta.dirname, '../../traces/mooncake-conversation-2000.jsonl.gz');
const row = (timestamp: number, inputTokens = 600, outputTokens = 7, ids = [3, 4]) =>
  JSON.stringify({ timestamp, input_length: inputTokens, output_length: outputTokens, hash_ids: ids });

async function load(lines: readonly string[], limit?: number, name = 'trace.jsonl') {
  await using folder = await temporaryDirectory();
  const file = path.join(folder.path, name);
  const text = lines.join('\n');
  await writeFile(file, name.endsWith('.gz') ? gzipSync(text) : text);
  return await loadTrace(file, limit);
}

test('the trace of the repository loads whole', async () => {
  const requests = await loadTrace(bundledTrace);
  expect(requests).toHaveLength(2_000);
  expect(requests[0]).toEqual({
    timestampMs: 0,
    inputTokens: 6_758,
    outputTokens: 500,
    blockIds: Array.from({ length: 14 }, (_, id) => id),
  });
});

test('plain and compressed traces read the same, blank lines are skipped, a limit stops early', async () => {
  const lines = [row(0), '', row(5), row(9), ''];
  const expected = [0, 5, 9].map((timestampMs) => ({
    timestampMs,
    inputTokens: 600,
    outputTokens: 7,
    blockIds: [3, 4],
  }));
  expect(await load(lines)).toEqual(expected);
  expect(await load(lines, undefined, 'trace.jsonl.gz')).toEqual(expected);
  expect(await load([...lines.slice(0, 3), 'not reached'], 2)).toEqual(expected.slice(0, 2));
});

test.each([
  ['a line that is not JSON', [row(0), '{"timestamp": 1,'], /line 2: not JSON .*\{"timestamp": 1,/],
  ['an array', ['[1]'], /line 1: expected an object, got \[1\]/],
  ['a missing timestamp', ['{"input_length": 1}'], /line 1: timestamp is missing; expected the arrival in ms/],
  ['a fractional length', [row(0, 1.5)], /line 1: input_length is 1.5; expected a number of tokens, 1 or more/],
  ['an empty answer', [row(0, 600, 0)], /line 1: output_length is 0;/],
  ['ids that are not numbers', [row(0).replace('[3,4]', '[3,"4"]')], /line 1: hash_ids is \[3,"4"\];/],
  ['too few ids', ['', row(0, 600, 7, [3])], /line 2: hash_ids has 1 ids but input_length 600 takes 2/],
  ['a trace out of order', [row(9), row(8)], /line 2: timestamp 8 is before 9 .* Sort the trace/],
  ['an empty trace', ['', ''], /holds no request/],
])('%s is reported with file, line, value and what to do', async (_, lines, message) => {
  await expect(load(lines)).rejects.toThrow(message);
});

test('a file that is missing or not gzip is reported with its path', async () => {
  await expect(loadTrace('/nowhere/trace.jsonl')).rejects.toThrow(/Cannot read \/nowhere\/trace.jsonl \(.*ENOENT/);
  await using folder = await temporaryDirectory();
  const file = path.join(folder.path, 'plain.jsonl.gz');
  await writeFile(file, row(0));
  await expect(loadTrace(file)).rejects.toThrow(/Cannot read .*plain.jsonl.gz \(.*incorrect header check\)/);
});

test('fields that a trace has beside the four are ignored', () => {
  expect(parseTraceLine(row(1).replace('{', '{"chat_id": 9, '))).toMatchObject({ timestampMs: 1 });
});

test('arrivals follow the trace clock, divided by rate scale and time scale', () => {
  expect(dueAtMs(9_000, 3_000, { rateScale: 1, timeScale: 1 })).toBe(6_000);
  expect(dueAtMs(9_000, 3_000, { rateScale: 0.5, timeScale: 10 })).toBe(1_200);
});
