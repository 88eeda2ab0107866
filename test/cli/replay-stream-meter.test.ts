import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import type { ReplayApi } from '../../runtime/cli/replay/request-body.ts';
import { StreamMeter } from '../../runtime/cli/replay/stream-meter.ts';
import { formatEvent } from '../../runtime/shared/sse.ts';

const fixtures = path.join(import.meta.dirname, '../fixtures/sglang-real-0.5.23');

/** The event stream inside a recorded chunked response. */
function recordedStream(name: string): Buffer {
  const response = readFileSync(path.join(fixtures, `${name}.resp`), 'latin1');
  let rest = response.slice(response.indexOf('\r\n\r\n') + 4);
  let body = '';
  for (let size = Number.parseInt(rest, 16); size > 0; size = Number.parseInt(rest, 16)) {
    const start = rest.indexOf('\r\n') + 2;
    body += rest.slice(start, start + size);
    rest = rest.slice(start + size + 2);
  }
  return Buffer.from(body, 'latin1');
}

/** Reads `stream` in pieces of the given sizes; the clock is the number of the read. */
function measure(api: ReplayApi, stream: Buffer, pieceSizes: readonly number[] = [stream.length]) {
  const meter = new StreamMeter(api);
  let [offset, reads] = [0, 0];
  while (offset < stream.length) {
    const size = pieceSizes[reads % pieceSizes.length]!;
    meter.push(stream.subarray(offset, offset + size), ++reads);
    offset += size;
  }
  return { ...meter.finish(), firstContentAtMs: meter.firstContentAtMs, gapsMs: meter.gapsMs };
}

test.each([
  ['chat', 'chat_stream_usage', { promptTokens: 255, completionTokens: 16, cachedTokens: 254 }],
  ['completions', 'completions_stream', { promptTokens: 3, completionTokens: 6, cachedTokens: 2 }],
  ['generate', 'generate_stream', { promptTokens: 3, completionTokens: 6, cachedTokens: 2 }],
] as const)('the usage of a real %s stream is read, however the bytes are cut', (api, name, usage) => {
  const stream = recordedStream(name);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1 }), (sizes) => {
      const result = measure(api, stream, sizes);
      expect(result).toMatchObject({ usage, failure: undefined });
      expect(result.firstContentAtMs).toBeGreaterThan(0);
    }),
    { numRuns: 50 },
  );
});

const chunk = (content: string) => formatEvent(JSON.stringify({ choices: [{ delta: { content } }] }));
const asReads = (parts: readonly string[]) => parts.map((part) => Buffer.byteLength(part));

test('the first token is the first event with content: not a heartbeat, not the role, not an empty delta', () => {
  const parts = [
    ': heartbeat\n\n',
    chunk(''),
    chunk(''),
    chunk('one'),
    chunk('two'),
    ': still here\n\n',
    chunk('three'),
  ];
  const result = measure('chat', Buffer.from(parts.join('')), asReads(parts));
  expect(result.firstContentAtMs).toBe(4);
  expect(result.gapsMs).toEqual([1, 2]);
});

test('a stream that ends without [DONE] was cut', () => {
  expect(measure('chat', Buffer.from(chunk('one'))).failure?.kind).toBe('cut stream');
  expect(measure('chat', Buffer.alloc(0)).failure?.kind).toBe('cut stream');
});

test('an error event is a failure with its code, as the first event and after content', () => {
  const error = formatEvent('{"error":{"message":"The request queue is full.","code":503}}');
  for (const before of ['', chunk('one')]) {
    const stream = Buffer.from(`${before}${error}data: [DONE]\n\n`);
    expect(measure('chat', stream).failure).toEqual({
      kind: 'error event 503',
      message: 'The request queue is full.',
    });
  }
});

test('the abort of a native stream is a failure', () => {
  const event = { text: '', meta_info: { finish_reason: { type: 'abort', status_code: 503, message: 'full' } } };
  const stream = Buffer.from(`${formatEvent(JSON.stringify(event))}data: [DONE]\n\n`);
  expect(measure('generate', stream).failure).toEqual({ kind: 'error event 503', message: 'full' });
});

test('an event without end does not grow for ever', () => {
  const meter = new StreamMeter('chat');
  for (let megabytes = 0; megabytes < 6; megabytes++) meter.push(Buffer.alloc(1024 * 1024, 'x'), megabytes);
  expect(meter.finish().failure?.kind).toBe('malformed stream');
});
