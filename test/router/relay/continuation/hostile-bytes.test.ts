import fc from 'fast-check';
import { EventHoldback } from '../../../../runtime/router/relay/continuation/event-holdback.ts';
import { planContinuation } from '../../../../runtime/router/relay/continuation/plan.ts';
import { clientView } from './client-view.ts';

const body = Buffer.from('{"rid":"first","stream":true,"messages":[{"role":"user","content":"Hi."}],"max_tokens":9}');

function chunk(content: string, id = 'first'): string {
  const choices = [{ index: 0, delta: { content }, finish_reason: null }];
  return JSON.stringify({ id, object: 'chat.completion.chunk', created: 1, model: 'any', choices });
}

function continued(sent: readonly Buffer[]) {
  const plan = planContinuation({ dialect: 'chat', body, sent, rid: 'next' });
  if (plan.kind !== 'continue') throw new Error(JSON.stringify(plan));
  return plan;
}

test('line ends may be CRLF, and comments stand between events', () => {
  const sent = Buffer.from(`: wait\r\n\r\ndata: ${chunk(' one')}\r\n\r\n: wait\n\ndata:${chunk(' two')}\r\n\r\n`);
  const plan = continued([sent]);
  expect(plan.text).toBe(' one two');
  expect(plan.opening).toHaveLength(0);
  const rest = plan.splicer.push(
    Buffer.from(`: hm\r\n\r\ndata: ${chunk(' three', 'next')}\r\n\r\ndata: [DONE]\r\n\r\n`),
  );
  const view = clientView(Buffer.concat([sent, rest]));
  expect(view).toMatchObject({ text: ' one two three', ids: ['first'], endMarks: 1 });
});

test.each(['\r', '\r\n', '\r\n\r', '\n'])('an event that lacks only the rest of its end %j is ended', (end) => {
  const sent = Buffer.from(`data: ${chunk(' one')}${end}`);
  const plan = continued([sent]);
  const opened = Buffer.concat([sent, plan.opening]);
  expect(clientView(opened)).toMatchObject({ text: ' one' });
  expect(clientView(opened).events).toHaveLength(1);
});

test('half an event is completed with no more text than the client has', () => {
  const whole = `data: ${chunk(' one "two" \\n 漢字')}\n\n`;
  const earlier = Buffer.from(`data: ${chunk(' zero')}\n\n`);
  const seen = new Set<string>();
  for (let cut = 1; cut < Buffer.byteLength(whole); cut++) {
    const sent = [earlier, Buffer.from(whole).subarray(0, cut)];
    const plan = planContinuation({ dialect: 'chat', body, sent, rid: 'next' });
    if (plan.kind !== 'continue') continue;
    const { text } = clientView(Buffer.concat([...sent, plan.opening]));
    expect(' zero one "two" \\n 漢字'.startsWith(text)).toBe(true);
    expect(JSON.parse(plan.body.toString('utf8')).messages.at(-1).content).toBe(text);
    seen.add(text);
  }
  expect(seen).toContain(' zero');
  expect(seen).toContain(' zero one "t');
  expect(seen).toContain(' zero one "two" \\n 漢');
});

test('an incomplete character at the end of the text is left to the next engine', () => {
  const plan = continued([Buffer.from(`data: ${chunk(' one\u{fffd}')}\n\n`)]);
  expect(JSON.parse(plan.body.toString('utf8')).messages.at(-1).content).toBe(' one');
});

test('an event of 1 MB is continued, and held back only up to the limit', () => {
  const large = Buffer.from(`data: ${chunk('x'.repeat(1_000_000))}\n\n`);
  expect(continued([large]).text).toHaveLength(1_000_000);
  const holdback = new EventHoldback(64 * 1024);
  const passed: number[] = [];
  for (let at = 0; at < large.length; at += 16_384) passed.push(holdback.push(large.subarray(at, at + 16_384)).length);
  expect(passed.slice(0, 4)).toEqual([0, 0, 0, 0]);
  expect(passed.reduce((a, b) => a + b)).toBe(large.length);
  expect(holdback.push(Buffer.from('data: half'))).toHaveLength(0);
  expect(holdback.flush().toString()).toBe('data: half');
});

test('events of the next engine that are not chunks are passed as they are', () => {
  const { splicer } = continued([Buffer.from(`data: ${chunk(' one')}\n\n`)]);
  const odd = 'data: {"error":{"code":503}}\n\ndata: 7\n\ndata: {"a":\n\ndata: two\ndata: lines\n\n';
  expect(splicer.push(Buffer.from(odd)).toString()).toBe(odd);
  expect(splicer.isComplete).toBe(false);
  expect(splicer.push(Buffer.from('data: [DONE]\n\ndata: late\n\n')).toString()).toBe('data: [DONE]\n\n');
  expect(splicer.isComplete).toBe(true);
});

test('any bytes lead to a plan, never to an exception', () => {
  const pieces = fc.oneof(
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    fc
      .constantFrom('data: ', '\n\n', '\r\n', ': c\n\n', '{"choices":[', '[DONE]', '"', '\\u12')
      .map((text) => Buffer.from(text)),
    fc.json().map((json) => Buffer.from(`data: ${json}\n\n`)),
    fc.string().map((text) => Buffer.from(`data: ${chunk(text)}\n\n`)),
  );
  const dialects = fc.constantFrom('chat', 'completions', 'generate');
  fc.assert(
    fc.property(dialects, fc.array(pieces, { maxLength: 6 }), (dialect, sent) => {
      expect(planContinuation({ dialect, body, sent, rid: 'next' }).kind).toMatch(/^(continue|finish|cannot)$/);
    }),
    { numRuns: 2_000 },
  );
});

/** Values of any kind, often of those that throw when they are counted or looped over. */
const oddValue = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom<unknown>({ toString: null, valueOf: null }, [{}], [null], {}, [], 7, -0.5, 1e308, '7', true, null),
);
const someOf = <T>(members: Record<string, fc.Arbitrary<T>>) => fc.record(members, { requiredKeys: [] });
const oddText = fc.oneof(fc.string(), oddValue);

const oddChoice = someOf<unknown>({
  index: fc.oneof(fc.constant(0), oddValue),
  delta: fc.oneof(oddValue, someOf<unknown>({ content: oddText, role: oddValue, tool_calls: oddValue })),
  text: oddText,
  finish_reason: oddValue,
  matched_stop: oddValue,
  token_ids: oddValue,
  prompt_token_ids: oddValue,
});

/** Objects with the members of real events and values of any kind. */
const oddEvents = fc
  .oneof(
    someOf<unknown>({
      text: oddText,
      output_ids: fc.oneof(fc.array(fc.nat()), oddValue),
      index: oddValue,
      meta_info: fc.oneof(
        oddValue,
        someOf<unknown>({
          completion_tokens: oddValue,
          cached_tokens: oddValue,
          finish_reason: fc.oneof(oddValue, someOf({ type: oddValue, length: oddValue })),
          weight_versions: fc.oneof(oddValue, fc.array(fc.oneof(oddValue, someOf({ start: oddValue, end: oddValue })))),
        }),
      ),
    }),
    someOf<unknown>({
      id: oddValue,
      choices: fc.oneof(oddValue, fc.array(fc.oneof(oddValue, oddChoice), { maxLength: 2 })),
      usage: fc.oneof(
        oddValue,
        someOf<unknown>({
          prompt_tokens: oddValue,
          completion_tokens: oddValue,
          prompt_tokens_details: fc.oneof(oddValue, someOf({ cached_tokens: oddValue })),
        }),
      ),
    }),
  )
  .map((event) => JSON.stringify(event));

const bodies = {
  chat: body,
  completions: Buffer.from('{"stream":true,"prompt":"Hi.","stop":"x","max_tokens":9}'),
  generate: Buffer.from('{"stream":true,"input_ids":[1],"sampling_params":{"stop":["x"],"max_new_tokens":9}}'),
};

test.each(['{"toString":null}', '[]', '"7"', 'null', 'true', '{"valueOf":7}'])(
  '%s instead of a number of tokens is left as it is',
  (odd) => {
    const { splicer } = continued([Buffer.from(`data: ${chunk(' one')}\n\n`)]);
    const usage = `{"prompt_tokens":${odd},"completion_tokens":${odd},"total_tokens":9,"prompt_tokens_details":{"cached_tokens":${odd}}}`;
    expect(splicer.push(Buffer.from(`data: {"usage":${usage}}\n\n`)).toString()).toContain(`"usage":${usage}`);
  },
);

test('events of odd shapes lead to a plan, and its splicer takes them too', () => {
  const dialects = fc.constantFrom('chat', 'completions', 'generate');
  fc.assert(
    fc.property(
      dialects,
      fc.array(oddEvents, { maxLength: 3 }),
      fc.array(oddEvents),
      fc.nat(9),
      (dialect, before, after, cut) => {
        const whole = Buffer.from(before.map((event) => `data: ${event}\n\n`).join(''));
        const sent = [whole.subarray(0, Math.max(0, whole.length - cut))];
        const plan = planContinuation({ dialect, body: bodies[dialect], sent, rid: 'next' });
        if (plan.kind === 'continue')
          plan.splicer.push(Buffer.from(after.map((event) => `data: ${event}\n\n`).join('')));
      },
    ),
    { numRuns: 3_000 },
  );
});

test('what the next engine sends never throws either, in whatever pieces it comes', () => {
  const payloads = fc.oneof(
    fc.json(),
    fc.string().map((text) => chunk(text, 'next')),
    fc.constantFrom(
      '[DONE]',
      '{"choices":[]}',
      '{"choices":[{}]}',
      '{"choices":[{"delta":null}],"usage":{}}',
      '{"usage":7}',
    ),
  );
  fc.assert(
    fc.property(fc.array(payloads, { maxLength: 8 }), fc.integer({ min: 1, max: 64 }), (events, size) => {
      const { splicer } = continued([Buffer.from(`data: ${chunk(' one')}\n\n`)]);
      const bytes = Buffer.from(events.map((event) => `data: ${event}\n\n`).join(''));
      for (let at = 0; at < bytes.length; at += size) splicer.push(bytes.subarray(at, at + size));
      expect(splicer.isComplete).toBe(events.includes('[DONE]'));
    }),
    { numRuns: 1_000 },
  );
});
