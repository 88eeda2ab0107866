import { planContinuation } from '../../../../runtime/router/relay/continuation/plan.ts';
import type { ContinuableDialect } from '../../../../runtime/router/relay/continuation/request-body.ts';

const messages = [{ role: 'user', content: 'Hi.' }];

function chunk(delta: object, more: object = {}): Buffer {
  const choices = [{ index: 0, delta, logprobs: null, finish_reason: null, matched_stop: null, ...more }];
  const event = { id: 'first', object: 'chat.completion.chunk', created: 1, model: 'any', choices };
  return Buffer.from(`data: ${JSON.stringify(event)}\n\n`);
}

const oneWord = chunk({ reasoning_content: null, content: ' one' });

function reasonOf(dialect: ContinuableDialect, body: object, sent: readonly Buffer[] = [oneWord]): string | undefined {
  const bytes = Buffer.from(JSON.stringify({ stream: true, ...body }));
  const plan = planContinuation({ dialect, body: bytes, sent, rid: 'next' });
  return plan.kind === 'cannot' ? plan.reason : undefined;
}

const tool = { type: 'function', function: { name: 'add' } };

test.each([
  [{ n: 2 }, 'several choices'],
  [{ tools: [tool] }, 'may call tools'],
  [{ tools: [tool], tool_choice: 'required' }, 'may call tools'],
  [{ tool_choice: { type: 'function', function: { name: 'add' } } }, 'may call tools'],
  [{ messages: [{ role: 'system', content: '', tools: [tool] }, ...messages] }, 'may call tools'],
  [{ response_format: { type: 'json_schema', json_schema: {} } }, 'grammar'],
  [{ regex: '[a-z]+' }, 'grammar'],
  [{ ebnf: 'root ::= "a"' }, 'grammar'],
  [{ stop_regex: 'a+' }, 'stop pattern'],
  [{ logprobs: true }, 'log-probabilities'],
  [{ logprobs: true, top_logprobs: 2 }, 'log-probabilities'],
  [{ session_params: { id: 's' } }, 'session'],
  [{ input_ids: [1, 2] }, 'not its prompt'],
  [{ return_hidden_states: true }, 'hidden states'],
  [{ stream: false }, 'not a stream'],
  [{ rid: ['a'] }, 'several request ids'],
  [{ max_tokens: 'ten' }, 'not an integer'],
  [{ messages: [] }, 'no messages'],
  [{ messages: [...messages, { role: 'assistant', content: 'Well' }] }, 'not continued'],
])('a chat with %j cannot be continued', (body, reason) => {
  expect(reasonOf('chat', { messages, ...body })).toContain(reason);
});

test.each([
  [{ n: 1, tools: [], tool_choice: 'none', response_format: { type: 'text' }, logprobs: false, top_logprobs: 0 }],
  [{ tools: [tool], tool_choice: 'none' }],
  [{ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'http://x' } }] }] }],
  [{ messages: [...messages, { role: 'assistant', content: [{ type: 'text', text: 'Well' }] }] }],
  [{ regex: null, session_params: null, max_tokens: null, stop: null }],
])('a chat with %j can', (body) => {
  expect(reasonOf('chat', { messages, ...body })).toBeUndefined();
});

test.each([
  ['completions', { prompt: ['a', 'b'] }, 'several prompts'],
  ['completions', { prompt: [[1], [2]] }, 'several prompts'],
  ['completions', { prompt: [1, 2] }, 'token ids'],
  ['completions', { prompt: 'a', echo: true }, 'echoes'],
  ['completions', { prompt: 'a', suffix: 'b' }, 'middle'],
  ['completions', { prompt: 'a', best_of: 2 }, 'several choices'],
  ['completions', { prompt: 'a', logprobs: 0 }, 'log-probabilities'],
  ['completions', { prompt: 'a', json_schema: '{}' }, 'grammar'],
  ['completions', {}, 'no prompt'],
] as const)('%s with %j cannot be continued', (dialect, body, reason) => {
  const choices = [{ index: 0, text: ' one', logprobs: null, finish_reason: null }];
  const sent = [Buffer.from(`data: ${JSON.stringify({ id: 'first', choices })}\n\n`)];
  expect(reasonOf(dialect, body, sent)).toContain(reason);
});

test.each([
  [{ text: ['a', 'b'] }, 'several prompts'],
  [{ text: 'a', sampling_params: { n: 2 } }, 'several choices'],
  [{ text: 'a', sampling_params: { regex: 'a' } }, 'grammar'],
  [{ text: 'a', sampling_params: [{}] }, 'several prompts'],
  [{ text: 'a', return_logprob: true }, 'log-probabilities'],
  [{ input_embeds: [[0.5]] }, 'embeddings'],
  [{}, 'no prompt'],
])('/generate with %j cannot be continued', (body, reason) => {
  const meta_info = { id: 'first', completion_tokens: 1, finish_reason: null };
  const sent = [Buffer.from(`data: ${JSON.stringify({ text: ' one', output_ids: [5], meta_info })}\n\n`)];
  expect(reasonOf('generate', body, sent)).toContain(reason);
});

test.each([
  ['separated reasoning', [chunk({ reasoning_content: 'Hm' }), oneWord], 'reasoning was separated'],
  ['a tool call', [chunk({ tool_calls: [{ index: 0, id: 'c' }] })], 'calls tools'],
  ['log-probabilities', [chunk({ content: ' one' }, { logprobs: { content: [] } })], 'log-probabilities'],
  ['a second choice', [chunk({ content: ' one' }, { index: 1 })], 'several choices'],
  ['an error', [oneWord, Buffer.from('data: {"error":{"message":"no"}}\n\n')], 'sent an error'],
  ['garbage', [oneWord, Buffer.from('data: {"a":\n\n')], 'not readable'],
  ['no object', [Buffer.from('data: 7\n\n')], 'not readable'],
  ['half an event that is like no other', [oneWord, Buffer.from('data: {"id":"other')], 'begun to read'],
  ['half an event and nothing before it', [Buffer.from('data: {"id"')], 'begun to read'],
  ['half a character', [oneWord, oneWord.subarray(0, -80), Buffer.from([0xe6])], 'begun to read'],
])('a stream with %s cannot be continued', (_, sent, reason) => {
  expect(reasonOf('chat', { messages }, sent)).toContain(reason);
});

test('a body that no strict parser reads cannot be continued', () => {
  const plan = (body: string) =>
    planContinuation({ dialect: 'chat', body: Buffer.from(body), sent: [oneWord], rid: 'next' });
  expect(plan('{"stream":true,"messages":')).toMatchObject({ kind: 'cannot' });
  expect(plan('{"stream":true,"messages":[7]}')).toMatchObject({ kind: 'cannot' });
  expect(plan('{"stream":true,"messages":[],"top_logprobs":NaN}')).toMatchObject({ kind: 'cannot' });
});

test('a continuation under the id of the first engine is a mistake of the caller', () => {
  const body = Buffer.from('{"rid":"next","stream":true,"messages":[]}');
  expect(() => planContinuation({ dialect: 'chat', body, sent: [], rid: 'next' })).toThrow(RangeError);
});
