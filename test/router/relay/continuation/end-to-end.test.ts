import type { ContinuableDialect } from '../../../../runtime/router/relay/continuation/request-body.ts';
import { type ClientView, clientView, rawEvents } from './client-view.ts';
import { TwoEngines } from './two-engines.ts';

/** The promise: a stream that was cut anywhere and taken over by another engine is the stream that was not cut. */
let engines: TwoEngines;

beforeAll(async () => {
  engines = await TwoEngines.start();
});

afterAll(() => engines[Symbol.asyncDispose]());

const messages = [
  { role: 'system', content: 'You name workers. Ünïcode "quotes" \\ 漢字 😀' },
  { role: 'user', content: 'Name them.' },
];

interface Case {
  readonly name: string;
  readonly dialect: ContinuableDialect;
  readonly body: Readonly<Record<string, unknown>>;
}

const prompt = 'and then 42 ';
const cases: readonly Case[] = [
  { name: 'chat', dialect: 'chat', body: { messages, max_tokens: 30, ignore_eos: true } },
  { name: 'chat that ends by itself', dialect: 'chat', body: { messages, max_tokens: 400 } },
  { name: 'chat without a limit', dialect: 'chat', body: { messages } },
  {
    name: 'chat with usage at the end',
    dialect: 'chat',
    body: { messages, max_completion_tokens: 12, max_tokens: 99, stream_options: { include_usage: true } },
  },
  {
    name: 'chat with usage in every event',
    dialect: 'chat',
    body: { messages, max_tokens: 12, stream_options: { include_usage: true, continuous_usage_stats: true } },
  },
  {
    name: 'chat that continues the client’s own beginning',
    dialect: 'chat',
    body: {
      messages: [...messages, { content: 'Well, "they', role: 'assistant' }],
      continue_final_message: true,
      max_tokens: 12,
      min_tokens: 8,
    },
  },
  {
    name: 'completions with usage',
    dialect: 'completions',
    body: { prompt, max_tokens: 20, ignore_eos: true, stream_options: { include_usage: true } },
  },
  { name: 'completions with the default limit', dialect: 'completions', body: { prompt } },
  { name: 'completions with a list of one prompt', dialect: 'completions', body: { prompt: [prompt], max_tokens: 9 } },
  {
    name: 'completions with token ids',
    dialect: 'completions',
    body: { prompt: [300, 301, 302], max_tokens: 9, return_token_ids: true },
  },
  {
    name: 'completions with usage in every event',
    dialect: 'completions',
    body: { prompt, max_tokens: 9, stream_options: { include_usage: true, continuous_usage_stats: true } },
  },
  { name: 'generate from text', dialect: 'generate', body: { text: prompt, sampling_params: { max_new_tokens: 25 } } },
  {
    name: 'generate from ids',
    dialect: 'generate',
    body: { input_ids: [300, 301, 302], sampling_params: { max_new_tokens: 25, min_new_tokens: 20 } },
  },
  { name: 'generate without parameters', dialect: 'generate', body: { text: prompt } },
  { name: 'generate with empty parameters', dialect: 'generate', body: { sampling_params: {}, input_ids: [1, 2, 3] } },
];

describe.each(cases)('$name', ({ dialect, body }) => {
  const request = Buffer.from(JSON.stringify({ rid: 'first', model: 'any', ...body, stream: true }));
  let uncut: Buffer;
  let events: Buffer[];

  beforeAll(async () => {
    uncut = await engines.stream(engines.first, dialect, request);
    events = rawEvents(uncut);
    expect(events.length).toBeGreaterThan(4);
  });

  test('is the same stream after a cut behind any event', async () => {
    for (let cut = 0; cut <= events.length; cut++) {
      const sent = events.slice(0, cut);
      const mended = await engines.mend({ dialect, body: request, sent });
      expect(mended.subarray(0, Buffer.concat(sent).length)).toEqual(Buffer.concat(sent));
      expectSame(clientView(mended), clientView(uncut), cut);
    }
  });

  test('is the same stream after two cuts', async () => {
    const firstCut = Math.floor(events.length / 3);
    const sentOnce = events.slice(0, firstCut);
    const mended = rawEvents(await engines.mend({ dialect, body: request, sent: sentOnce }));
    for (let cut = firstCut; cut <= mended.length; cut++) {
      const sent = mended.slice(0, cut);
      const twice = await engines.mend({ dialect, body: request, sent }, engines.first, 100);
      expectSame(clientView(twice), clientView(uncut), cut);
    }
  });
});

function expectSame(mended: ClientView, uncut: ClientView, cut: number): void {
  expect(mended.text).toBe(uncut.text);
  expect(mended.outputIds).toEqual(uncut.outputIds);
  expect(mended.finish).toEqual(uncut.finish);
  expect(mended.matchedStop).toEqual(uncut.matchedStop);
  expect(mended.roles).toBe(uncut.roles);
  expect(mended.endMarks).toBe(1);
  expect(mended.models).toEqual(uncut.models);
  expect(mended.created).toHaveLength(1);
  // The next engine names a stream of which nothing was sent.
  expect(mended.ids).toEqual(cut === 0 ? [expect.stringMatching(/^next-/)] : uncut.ids);
  expect(withoutCache(mended.usage)).toEqual(withoutCache(uncut.usage));
}

/** What each engine has cached is its own affair. */
function withoutCache(usage: ClientView['usage']) {
  return usage && { ...usage, prompt_tokens_details: undefined };
}

test('a prompt of ids continues with ids from a tokenizer where the stream has none', async () => {
  const body = Buffer.from(JSON.stringify({ prompt: [300, 301, 302], max_tokens: 9, stream: true }));
  const uncut = await engines.stream(engines.first, 'completions', body);
  const sent = rawEvents(uncut).slice(0, 4);
  await expect(engines.mend({ dialect: 'completions', body, sent })).rejects.toThrow('token ids');
  const textIds = await engines.tokenize(clientView(Buffer.concat(sent)).text);
  const mended = await engines.mend({ dialect: 'completions', body, sent, textIds });
  expect(clientView(mended).text).toBe(clientView(uncut).text);
});

test('a text prompt continues by ids when those of the prompt are known', async () => {
  const body = Buffer.from(JSON.stringify({ text: prompt, sampling_params: { max_new_tokens: 20 }, stream: true }));
  const uncut = await engines.stream(engines.first, 'generate', body);
  const promptIds = await engines.tokenize(prompt);
  for (const cut of [1, 7, 19]) {
    const sent = rawEvents(uncut).slice(0, cut);
    const mended = clientView(await engines.mend({ dialect: 'generate', body, sent, promptIds }));
    expect(mended.outputIds).toEqual(clientView(uncut).outputIds);
    expect(mended.text).toEqual(clientView(uncut).text);
  }
});

describe('a stop string across the cut', () => {
  /** A stop string that begins in the text of the fourth token and ends in that of the sixth. */
  async function stopIn(dialect: ContinuableDialect, body: object): Promise<string> {
    const request = Buffer.from(JSON.stringify({ ...body, stream: true }));
    const { text } = clientView(await engines.stream(engines.first, dialect, request));
    return text.slice(4 * 3 + 2, 4 * 5 + 3);
  }

  test.each([false, true])('ends a chat where it would have ended it; kept in the text: %s', async (keeps) => {
    const base = { messages, max_tokens: 30, ignore_eos: true, no_stop_trim: keeps };
    const stop = [await stopIn('chat', base), 'never said'];
    const stream_options = { include_usage: true };
    const body = Buffer.from(JSON.stringify({ ...base, stop, stream_options, stream: true }));
    const uncut = await engines.stream(engines.first, 'chat', body);
    const events = rawEvents(uncut);
    expect(clientView(uncut).matchedStop).toBe(stop[0]);
    for (let cut = 1; cut <= events.length; cut++) {
      const mended = clientView(await engines.mend({ dialect: 'chat', body, sent: events.slice(0, cut) }));
      expect(mended.text).toBe(clientView(uncut).text);
      expect(mended.finish).toEqual(['stop']);
      expect(mended.matchedStop).toBe(stop[0]);
      expect(mended.endMarks).toBe(1);
      expect(mended.usage!.prompt_tokens).toBe(clientView(uncut).usage!.prompt_tokens);
    }
  });

  test('ends completions and /generate too, and nothing more is needed of the engine', async () => {
    const forms = [
      { dialect: 'completions', body: (stop?: string) => ({ prompt, max_tokens: 30, ignore_eos: true, stop }) },
      {
        dialect: 'generate',
        body: (stop?: string) => ({ text: prompt, sampling_params: { max_new_tokens: 30, ignore_eos: true, stop } }),
      },
    ] as const;
    for (const { dialect, body } of forms) {
      const stop = await stopIn(dialect, body());
      const request = Buffer.from(JSON.stringify({ ...body(stop), stream: true }));
      const uncut = await engines.stream(engines.first, dialect, request);
      const events = rawEvents(uncut);
      for (const cut of [2, 3, 4, 5]) {
        const mended = clientView(await engines.mend({ dialect, body: request, sent: events.slice(0, cut) }));
        // The piece in which the stop string began has been sent; only /generate can take it back.
        expect(clientView(uncut).text.startsWith(mended.text) || mended.text.startsWith(clientView(uncut).text)).toBe(
          true,
        );
        expect(JSON.stringify(mended.finish)).toContain('stop');
        expect(mended.endMarks).toBe(1);
      }
    }
  });
});
