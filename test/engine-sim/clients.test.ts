import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { endlessChat, type StartedEngine, startEngine } from './support/started-engine.ts';

/** The official clients, unmodified, against a simulated engine. */
let engine: StartedEngine;
let openai: OpenAI;
let anthropic: Anthropic;
beforeAll(async () => {
  engine = await startEngine({ timeScale: 20, modelName: 'tiny', apiKey: 'the-key', contextLength: 2_000 });
  openai = new OpenAI({ baseURL: `${engine.server.url}/v1`, apiKey: 'the-key', maxRetries: 0 });
  anthropic = new Anthropic({ baseURL: engine.server.url, authToken: 'the-key', apiKey: null, maxRetries: 0 });
});
afterAll(() => engine[Symbol.asyncDispose]());

const messages = [{ role: 'user' as const, content: 'Say hello to the workers.' }];

describe('the openai client', () => {
  test('completes a chat and counts its tokens', async () => {
    const answer = await openai.chat.completions.create({ model: 'tiny', messages, max_tokens: 7 });
    const choice = answer.choices[0]!;
    expect(choice.finish_reason).toBe('length');
    expect(choice.message.content).toMatch(/^( [a-z]{3}){7}$/);
    expect(answer.usage).toMatchObject({ completion_tokens: 7, total_tokens: answer.usage!.prompt_tokens + 7 });
  });

  test('streams a chat with usage at the end, and the same text', async () => {
    const body = { model: 'tiny', messages, max_tokens: 7 };
    const stream = await openai.chat.completions.create({
      ...body,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    let usage: OpenAI.CompletionUsage | null | undefined;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      usage = chunk.usage ?? usage;
    }
    const whole = await openai.chat.completions.create(body);
    expect(text).toBe(whole.choices[0]!.message.content);
    expect(usage!.completion_tokens).toBe(7);
    expect(whole.usage!.prompt_tokens_details!.cached_tokens).toBeGreaterThan(0);
  });

  test("runs the client's own stream helper to its end", async () => {
    const stream = openai.chat.completions.stream({ model: 'tiny', messages, max_tokens: 5 });
    const final = await stream.finalChatCompletion();
    expect(final.choices[0]!.message.content).toMatch(/^( [a-z]{3}){5}$/);
  });

  test('completes a prompt, streamed and not', async () => {
    const body = { model: 'tiny', prompt: 'The workers wait', max_tokens: 6 };
    const whole = await openai.completions.create(body);
    let text = '';
    for await (const chunk of await openai.completions.create({ ...body, stream: true }))
      text += chunk.choices[0]!.text;
    expect(text).toBe(whole.choices[0]!.text);
  });

  test('makes a response, streamed and not', async () => {
    const body = { model: 'tiny', input: 'hello', max_output_tokens: 6 };
    const whole = await openai.responses.create(body);
    let text = '';
    const stream = await openai.responses.create({ ...body, stream: true });
    for await (const event of stream) if (event.type === 'response.output_text.delta') text += event.delta;
    expect(text).toBe(whole.output_text);
    expect(whole.incomplete_details).toEqual({ reason: 'max_output_tokens' });
  });

  test('lists the model', async () => {
    const { data } = await openai.models.list();
    expect(data.map(({ id }) => id)).toEqual(['tiny']);
  });

  test('sees errors as errors', async () => {
    const long = [{ role: 'user' as const, content: ' abc'.repeat(2_001) }];
    await expect(openai.chat.completions.create({ model: 'tiny', messages: long })).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining("longer than the model's context length"),
    });
    await expect(openai.models.retrieve('nope')).rejects.toMatchObject({ status: 404, code: 'model_not_found' });
    const stranger = new OpenAI({ baseURL: `${engine.server.url}/v1`, apiKey: 'wrong', maxRetries: 0 });
    await expect(stranger.models.list()).rejects.toMatchObject({ status: 401 });
  });

  test('aborts the engine by leaving its loop', async () => {
    const { max_tokens: _, ...body } = endlessChat(true);
    const stream = await openai.chat.completions.create({ ...body, model: 'tiny', stream: true } as never);
    for await (const _chunk of stream as never as AsyncIterable<unknown>) break;
    await engine.untilRunning(0);
  });
});

describe('the anthropic client', () => {
  const body = { model: 'tiny', max_tokens: 6, messages };

  test('creates a message', async () => {
    const message = await anthropic.messages.create(body);
    expect(message.content).toEqual([{ type: 'text', text: expect.stringMatching(/^( [a-z]{3}){6}$/) }]);
    expect([message.stop_reason, message.usage.output_tokens]).toEqual(['max_tokens', 6]);
  });

  test('streams the same message', async () => {
    const streamed = await anthropic.messages.stream(body).finalMessage();
    const whole = await anthropic.messages.create(body);
    expect(streamed.content).toMatchObject(whole.content);
    expect(streamed.stop_reason).toBe('max_tokens');
  });

  test('counts tokens', async () => {
    const { input_tokens } = await anthropic.messages.countTokens({ model: 'tiny', messages });
    const { usage } = await anthropic.messages.create(body);
    expect(input_tokens).toBe(usage.input_tokens + (usage.cache_read_input_tokens ?? 0));
  });

  test('sees a bad request as one', async () => {
    const broken = { ...body, max_tokens: 'many' as never };
    await expect(anthropic.messages.create(broken)).rejects.toMatchObject({ status: 400 });
  });
});

test('an embedding model embeds and refuses nothing', async () => {
  await using embedder = await startEngine({ timeScale: 20, isEmbedding: true });
  const client = new OpenAI({ baseURL: `${embedder.server.url}/v1`, apiKey: 'x', maxRetries: 0 });
  const { data, usage } = await client.embeddings.create({
    model: 'm',
    input: ['one', 'two'],
    encoding_format: 'float',
  });
  expect(data.map(({ index }) => index)).toEqual([0, 1]);
  expect(Math.hypot(...data[0]!.embedding)).toBeCloseTo(1);
  expect(data[0]!.embedding).not.toEqual(data[1]!.embedding);
  expect(usage.prompt_tokens).toBe(2);
});
