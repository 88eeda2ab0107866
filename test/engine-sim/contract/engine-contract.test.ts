import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { eventually } from '../../support/eventually.ts';
import { eventsOf } from '../support/raw-http.ts';
import { type EnginePair, openEnginePair } from './engine-pair.ts';

/** What the fleet relies on, checked in the same words on simulated engines and on real ones. */
let engines: EnginePair;
let first: string;
let second: string;
let openai: OpenAI;
let anthropic: Anthropic;

beforeAll(async () => {
  engines = await openEnginePair();
  [first, second] = engines.urls;
  openai = new OpenAI({ baseURL: `${first}/v1`, apiKey: 'none', maxRetries: 0 });
  anthropic = new Anthropic({ baseURL: first, apiKey: 'none', maxRetries: 0 });
});
afterAll(() => engines.close());

// Time for real engines on a CPU; simulated ones need a hundredth of it.
const patientMs = 120_000;

const post = (url: string, path: string, body: object, signal?: AbortSignal) =>
  fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(signal && { signal }),
  });
const json = async (response: Response) => (await response.json()) as Record<string, unknown>;

const greedy = { temperature: 0, ignore_eos: true };
const say = (content: string) => [{ role: 'user' as const, content }];
const longChat = (extra: object = {}) => ({ messages: say('Never stop.'), max_tokens: 2_000, ...greedy, ...extra });

async function runningRequests(url: string): Promise<number> {
  const { loads } = (await (await fetch(`${url}/v1/loads?include=core`)).json()) as {
    loads: { num_running_reqs: number; num_waiting_reqs: number }[];
  };
  return loads[0]!.num_running_reqs + loads[0]!.num_waiting_reqs;
}
const untilRunning = (url: string, count: number) =>
  eventually(async () => expect(await runningRequests(url)).toBe(count), 60_000);

test(
  'the OpenAI client gets the same text streamed and whole, and the same usage',
  async () => {
    const body = { model: 'any', messages: say('Hello.'), max_tokens: 12, ...greedy };
    const whole = await openai.chat.completions.create(body);
    let text = '';
    let usage: OpenAI.CompletionUsage | null | undefined;
    const stream = await openai.chat.completions.create({
      ...body,
      stream: true,
      stream_options: { include_usage: true },
    });
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      usage = chunk.usage ?? usage;
    }
    expect(text).toBe(whole.choices[0]!.message.content);
    expect(usage!.completion_tokens).toBe(12);
    expect(usage!.prompt_tokens).toBe(whole.usage!.prompt_tokens);
    expect(whole.choices[0]!.finish_reason).toBe('length');
  },
  patientMs,
);

test(
  'the Anthropic client gets a message, streamed and whole',
  async () => {
    const body = { model: 'any', max_tokens: 8, messages: say('Hello.') };
    const whole = await anthropic.messages.create(body);
    const streamed = await anthropic.messages.stream(body).finalMessage();
    for (const message of [whole, streamed]) {
      expect([message.role, message.stop_reason, message.content[0]!.type]).toEqual([
        'assistant',
        'max_tokens',
        'text',
      ]);
    }
  },
  patientMs,
);

test(
  'a repeated prompt is found in the cache but for its last token',
  async () => {
    const content = `Tell me about ${Date.now()} workers. `.repeat(20);
    const ask = async () => {
      const body = { model: 'any', messages: say(content), max_tokens: 1 };
      return (await openai.chat.completions.create(body)).usage!;
    };
    const cold = await ask();
    const warm = await ask();
    expect(cold.prompt_tokens_details!.cached_tokens).toBeLessThan(cold.prompt_tokens / 2);
    expect(warm.prompt_tokens_details!.cached_tokens).toBe(warm.prompt_tokens - 1);
  },
  patientMs,
);

test(
  'a final assistant message can be left open',
  async () => {
    const messages = [...say('Count.'), { role: 'assistant' as const, content: ' one two three' }];
    const ask = async (extra: object) => {
      const { usage } = await json(await post(first, '/v1/chat/completions', { messages, max_tokens: 4, ...extra }));
      return (usage as { prompt_tokens: number }).prompt_tokens;
    };
    expect(await ask({ continue_final_message: true })).toBeLessThan(await ask({}));
  },
  patientMs,
);

test(
  'a native stream continues on the other engine by its ids, token for token',
  async () => {
    const text = 'The workers wait for the router';
    const { tokens } = await json(await post(first, '/tokenize', { model: 'any', prompt: text }));
    const sampling = (count: number) => ({ sampling_params: { max_new_tokens: count, ...greedy } });
    const whole = await json(await post(first, '/generate', { text, ...sampling(24) }));
    const ids = whole['output_ids'] as number[];
    expect(ids).toHaveLength(24);
    for (const cut of [0, 1, 7, 23]) {
      const input_ids = [...(tokens as number[]), ...ids.slice(0, cut)];
      const rest = await json(await post(second, '/generate', { input_ids, ...sampling(24 - cut) }));
      expect([...ids.slice(0, cut), ...(rest['output_ids'] as number[])]).toEqual(ids);
    }
  },
  patientMs,
);

test(
  'an abort by id ends a stream as an answer and frees the engine',
  async () => {
    const rid = `abort-${Date.now()}`;
    const response = await post(first, '/v1/chat/completions', longChat({ stream: true, rid }));
    const body = response.text();
    await untilRunning(first, 1);
    expect((await post(first, '/abort_request', { rid })).status).toBe(200);
    const events = eventsOf(await body).map(({ data }) => data);
    expect(events.at(-1)).toBe('[DONE]');
    expect(JSON.parse(events.at(-2)!)).toMatchObject({ id: rid, choices: [{ finish_reason: 'abort' }] });
    await untilRunning(first, 0);
  },
  patientMs,
);

test.each([true, false])(
  'a client that leaves frees the engine (stream: %s)',
  async (stream) => {
    const leaving = new AbortController();
    const response = post(first, '/v1/chat/completions', longChat({ stream }), leaving.signal);
    const settled = response.then(
      (answer) => answer.text().catch(() => 'left'),
      () => 'left',
    );
    await untilRunning(first, 1);
    leaving.abort();
    expect(await settled).toBe('left');
    await untilRunning(first, 0);
  },
  patientMs,
);

test(
  'what is wrong with a request is said in the same words',
  async () => {
    const refusals = [
      ['/v1/chat/completions', { messages: [] }, 400, 'Messages cannot be empty.'],
      ['/v1/chat/completions', { messages: say('x'), temperature: -1 }, 400, 'temperature must be a non-negative'],
      ['/v1/chat/completions', { messages: say('x'), max_tokens: 9_000 }, 400, 'maximum context length of 8192 tokens'],
      ['/generate', { text: 'a', sampling_params: { top_p: 7 } }, 400, 'top_p must be in (0, 1], got 7.'],
      ['/generate', { text: 'a', session_params: { id: 'nope' } }, 400, 'session id nope does not exist'],
      ['/nothing', {}, 404, 'Not Found'],
    ] as const;
    for (const [path, body, status, words] of refusals) {
      const response = await post(first, path, body);
      expect([path, response.status]).toEqual([path, status]);
      expect(await response.text()).toContain(words);
    }
  },
  patientMs,
);

test(
  'health is 200 on both engines',
  async () => {
    for (const url of engines.urls) expect((await fetch(`${url}/health`)).status).toBe(200);
  },
  patientMs,
);

// The last test: the second engine does not come back.
test(
  'an engine that is told to end refuses health, serves the rest and ends after its last request',
  async () => {
    const stream = await post(second, '/v1/chat/completions', longChat({ stream: true, max_tokens: 200 }));
    engines.terminateSecond();
    await eventually(async () => expect((await fetch(`${second}/health`)).status).toBe(503));
    expect((await fetch(`${second}/v1/models`)).status).toBe(200);
    const during = await post(second, '/v1/chat/completions', { messages: say('Late.'), max_tokens: 3, ...greedy });
    expect(during.status).toBe(200);
    expect((await stream.text()).trimEnd()).toMatch(/data: \[DONE\]$/);
    await eventually(() => expect(fetch(`${second}/v1/models`)).rejects.toThrow(), 60_000);
  },
  patientMs,
);
