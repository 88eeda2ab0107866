import { EventHoldback } from '../../../../runtime/router/relay/continuation/event-holdback.ts';
import { planContinuation } from '../../../../runtime/router/relay/continuation/plan.ts';
import type { ContinuableDialect } from '../../../../runtime/router/relay/continuation/request-body.ts';
import { capturedRequest, capturedResponse } from '../../../engine-sim/fidelity/captures.ts';
import { clientView, rawEvents } from './client-view.ts';

/** Streams of a real SGLang 0.5.23, cut at every byte. */
const streams: readonly (readonly [name: string, dialect: ContinuableDialect])[] = [
  ['chat_stream', 'chat'],
  ['chat_stream_usage', 'chat'],
  ['chat_stream_continuous_usage', 'chat'],
  ['chat_rid_stream', 'chat'],
  ['chat_continue_final_true_stream', 'chat'],
  ['completions_stream', 'completions'],
  ['generate_stream', 'generate'],
];

function read(name: string): { body: Buffer; stream: Buffer } {
  const request = capturedRequest(name);
  const body = request.subarray(request.indexOf('\r\n\r\n') + 4);
  return { body, stream: Buffer.from(capturedResponse(name).body) };
}

describe.each(streams)('%s', (name, dialect) => {
  const { body, stream } = read(name);
  const whole = clientView(stream);
  /** A part with every kind of event: cutting it at each byte is quick. */
  const short = Buffer.concat(rawEvents(stream).slice(0, 3).concat(rawEvents(stream).slice(-4)));

  test('what is passed on always ends between two events', () => {
    for (let cut = 0; cut <= short.length; cut++) {
      const holdback = new EventHoldback();
      const passed = [holdback.push(short.subarray(0, cut)), holdback.push(short.subarray(cut))];
      expect(passed[0]!.length === 0 || passed[0]!.subarray(-2).toString() === '\n\n').toBe(true);
      expect(Buffer.concat(passed).equals(short)).toBe(true);
    }
  });

  test('a cut at any byte leaves a stream that the plan completes to whole events, or is refused', () => {
    let refused = 0;
    const { text, finish } = clientView(short);
    for (let cut = 0; cut <= short.length; cut++) {
      const sent = [short.subarray(0, cut)];
      const plan = planContinuation({ dialect, body, sent, rid: 'next' });
      if (plan.kind === 'cannot') {
        expect(plan.reason).toBe('it broke inside an event that the client has begun to read');
        refused++;
        continue;
      }
      const opened = Buffer.concat([...sent, plan.kind === 'finish' ? plan.bytes : plan.opening]);
      if (opened.length > 0) expect(opened.subarray(-2).toString()).toBe('\n\n');
      const view = clientView(opened);
      expect(text.startsWith(view.text)).toBe(true);
      if (plan.kind === 'finish') {
        expect(view.endMarks).toBe(1);
        expect(view.finish).toEqual(finish);
      } else {
        expect(() => JSON.parse(plan.body.toString('utf8'))).not.toThrow();
        // The next engine's part is all that the client lacks; after a finish reason that is only the usage.
        const hasFinished = Array.isArray(view.finish) ? view.finish.length > 0 : view.finish;
        const continued = requestText(JSON.parse(plan.body.toString('utf8')));
        expect(hasFinished || continued.endsWith(view.text)).toBeTruthy();
      }
    }
    expect(refused).toBeLessThan(short.length);
  });

  test('a cut behind any event continues with what another engine of that kind sends', () => {
    const events = rawEvents(stream);
    for (let cut = 1; cut < events.length; cut++) {
      const sent = events.slice(0, cut);
      const plan = planContinuation({ dialect, body, sent, rid: 'next' });
      if (plan.kind === 'cannot') throw new Error(plan.reason);
      const rest = plan.kind === 'finish' ? plan.bytes : plan.splicer.push(answerOfNext(dialect, events, cut));
      const mended = clientView(Buffer.concat([...sent, rest]));
      expect(mended.text).toBe(whole.text);
      expect(mended.outputIds).toEqual(whole.outputIds);
      expect(mended.ids).toEqual(whole.ids);
      expect(mended.created).toEqual(whole.created);
      expect(mended.roles).toBe(whole.roles);
      expect(mended.finish).toEqual(whole.finish);
      expect(mended.endMarks).toBe(1);
    }
  });
});

function requestText(request: { messages?: { content: string }[]; prompt?: string; text?: string }): string {
  return request.messages?.at(-1)?.content ?? request.prompt ?? request.text ?? '';
}

/** The rest of a captured stream as an engine would send it that was given what came before. */
function answerOfNext(dialect: ContinuableDialect, events: readonly Buffer[], cut: number): Buffer {
  const before = clientView(Buffer.concat(events.slice(0, cut)));
  const rest = Buffer.concat(events.slice(cut))
    .toString('utf8')
    .replaceAll(/"id":"[^"]*"/g, '"id":"next"');
  if (dialect === 'chat') {
    const role = events[0]!.toString('utf8').replace(/"created":\d+/, '"created":1');
    return Buffer.from(role + rest.replaceAll(/"created":\d+/g, '"created":1'));
  }
  if (dialect === 'completions') return Buffer.from(rest.replaceAll(/"created":\d+/g, '"created":1'));
  const own = clientView(Buffer.from(rest)).events.map((event) => {
    const { meta_info: meta, text, output_ids: ids } = event;
    const tokens = meta!.completion_tokens - before.outputIds.length;
    const finish = meta!.finish_reason && { ...meta!.finish_reason, length: tokens };
    return {
      text: text!.slice(before.text.length),
      output_ids: ids!.slice(before.outputIds.length),
      meta_info: { ...meta, completion_tokens: tokens, prompt_tokens: 99, finish_reason: finish },
    };
  });
  return Buffer.from(`${own.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')}data: [DONE]\n\n`);
}

test.each([
  ['chat_n2_stream', 'chat', 'it has several choices'],
  ['generate_stream_logprob', 'generate', 'it asks for log-probabilities'],
] as const)('%s cannot be continued', (name, dialect, reason) => {
  const { body, stream } = read(name);
  const sent = rawEvents(stream).slice(0, 3);
  expect(planContinuation({ dialect, body, sent, rid: 'next' })).toEqual({ kind: 'cannot', reason });
});

test.each([
  ['aborted_chat_stream', 'chat'],
  ['aborted_generate_stream', 'generate'],
] as const)('%s has ended: only its end mark is missing', (name, dialect) => {
  const { body, stream } = read(name);
  const sent = rawEvents(stream).slice(0, -1);
  const plan = planContinuation({ dialect, body, sent, rid: 'next' });
  expect(plan).toEqual({ kind: 'finish', bytes: Buffer.from('data: [DONE]\n\n') });
});

test('ids whose text an engine still holds back are generated again', () => {
  const { body, stream } = read('aborted_generate_stream');
  const request = Buffer.from(body.toString('utf8').replace('"text": "The workers wait"', '"input_ids": [7, 8, 9]'));
  const [first] = rawEvents(stream);
  const plan = planContinuation({ dialect: 'generate', body: request, sent: [first!], rid: 'next' });
  if (plan.kind !== 'continue') throw new Error('it should continue');
  // The first event carries id 153 and no text: half a character.
  expect(JSON.parse(plan.body.toString('utf8'))).toMatchObject({
    input_ids: [7, 8, 9],
    sampling_params: { max_new_tokens: 4_000 },
    rid: 'next',
  });
  const rest = plan.splicer.push(Buffer.concat(rawEvents(stream).slice(0, 3)));
  expect(clientView(rest).events.map((event) => event.output_ids)).toEqual([
    [153, 1332],
    [153, 1332, 1753],
  ]);
});
