import { defaultPreset } from '../../runtime/engine-sim/presets.ts';
import { type EngineServer, startEngineServer } from '../../runtime/engine-sim/server.ts';
import { eventsOf } from './support/raw-http.ts';

/** Two engines that know nothing of each other: a stream is cut on the first and goes on with the second. */
let first: EngineServer;
let second: EngineServer;

beforeAll(async () => {
  const options = { timeScale: 50, meanOutputTokens: 60, settings: defaultPreset.settings };
  [first, second] = await Promise.all([startEngineServer(options), startEngineServer(options)]);
  await Promise.all([first.ready, second.ready]);
});

afterAll(() => Promise.all([first.close(), second.close()]));

async function post(engine: EngineServer, path: string, body: object): Promise<string> {
  const response = await fetch(engine.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(200);
  return response.text();
}

/** Parsed events of a stream without its end mark. */
async function streamed<T>(engine: EngineServer, path: string, body: object): Promise<T[]> {
  const text = await post(engine, path, { ...body, stream: true });
  const events = eventsOf(text).map(({ data }) => data);
  expect(events.pop()).toBe('[DONE]');
  return events.map((data) => JSON.parse(data) as T);
}

interface ChatChunk {
  choices: { delta: { content?: string }; finish_reason: string | null }[];
}
interface CompletionChunk {
  choices: { text: string; finish_reason: string | null }[];
}
interface NativeEvent {
  text: string;
  output_ids: number[];
  meta_info: { finish_reason: { type: string } | null; completion_tokens: number };
}

const maxTokens = 50;
/** One answer that ends by itself and one that its limit ends. */
const prompts = ['Name the workers.', 'and then 42 ', 'Ünïcode 漢字 😀'];

test('the prompts cover both ends of an answer', async () => {
  const reasons = await Promise.all(
    prompts.map(async (prompt) => {
      const answer = JSON.parse(await post(first, '/v1/completions', { prompt, max_tokens: maxTokens }));
      return answer.choices[0].finish_reason;
    }),
  );
  expect(new Set(reasons)).toEqual(new Set(['stop', 'length']));
});

describe.each(prompts)('the answer to "%s"', (prompt) => {
  test('continues from every cut of a chat stream with exactly the remaining text', async () => {
    const messages = [{ role: 'user', content: prompt }];
    const pieces = (chunks: ChatChunk[]) => chunks.flatMap(({ choices }) => choices[0]?.delta.content ?? []);
    const whole = pieces(await streamed<ChatChunk>(first, '/v1/chat/completions', { messages, max_tokens: maxTokens }));
    await forEveryCut(whole, async (cut) => {
      const partial = whole.slice(0, cut).join('');
      // The first piece is the empty one that comes with the role.
      const spent = Math.max(0, cut - 1);
      const rest = await streamed<ChatChunk>(second, '/v1/chat/completions', {
        messages: [...messages, { role: 'assistant', content: partial }],
        continue_final_message: true,
        max_tokens: maxTokens - spent,
      });
      expect(partial + pieces(rest).join('')).toBe(whole.join(''));
    });
  });

  test('continues from every cut of a completion stream with exactly the remaining text', async () => {
    const pieces = (chunks: CompletionChunk[]) => chunks.map(({ choices }) => choices[0]!.text);
    const uncut = await streamed<CompletionChunk>(first, '/v1/completions', { prompt, max_tokens: maxTokens });
    const whole = pieces(uncut);
    await forEveryCut(whole, async (cut) => {
      const partial = whole.slice(0, cut).join('');
      const body = { prompt: prompt + partial, max_tokens: maxTokens - cut };
      const rest = await streamed<CompletionChunk>(second, '/v1/completions', body);
      expect(partial + pieces(rest).join('')).toBe(whole.join(''));
      expect(rest.at(-1)!.choices[0]!.finish_reason).toBe(uncut.at(-1)!.choices[0]!.finish_reason);
    });
  });

  test('continues from every cut of a native stream with exactly the remaining text and ids', async () => {
    const sampling = (spent: number) => ({ sampling_params: { max_new_tokens: maxTokens - spent } });
    const uncut = await streamed<NativeEvent>(first, '/generate', { text: prompt, ...sampling(0) });
    const last = uncut.at(-1)!;
    const { tokens } = JSON.parse(await post(first, '/tokenize', { prompt }));
    await forEveryCut(uncut, async (cut) => {
      const seen = cut === 0 ? { text: '', output_ids: [] } : uncut[cut - 1]!;
      const byText = await streamed<NativeEvent>(second, '/generate', { text: prompt + seen.text, ...sampling(cut) });
      expect(seen.text + byText.at(-1)!.text).toBe(last.text);
      const input_ids = [...tokens, ...seen.output_ids];
      const byIds = await streamed<NativeEvent>(second, '/generate', { input_ids, ...sampling(cut) });
      expect([...seen.output_ids, ...byIds.at(-1)!.output_ids]).toEqual(last.output_ids);
      expect(byIds.at(-1)!.meta_info.finish_reason!.type).toBe(last.meta_info.finish_reason!.type);
    });
  });
});

/** Every place between two events but the one after the last, where nothing is left to continue. */
async function forEveryCut(events: readonly unknown[], check: (cut: number) => Promise<void>): Promise<void> {
  expect(events.length).toBeGreaterThan(2);
  for (let cut = 0; cut < events.length; cut++) await check(cut);
}
