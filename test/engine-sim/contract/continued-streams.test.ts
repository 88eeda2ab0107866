import { type CuttingProxies, startCuttingProxies } from '../../support/cutting-proxy.ts';
import { eventually } from '../../support/eventually.ts';
import { startTestRouter, type TestRouter } from '../../support/test-router.ts';
import { eventsOf } from '../support/raw-http.ts';
import { type EnginePair, openEnginePair } from './engine-pair.ts';

/** Streams through the router whose engine is cut off half way, on simulated engines and on real ones. */
let engines: EnginePair;
let proxies: CuttingProxies;
let router: TestRouter;

// Time for real engines on a CPU; simulated ones need a hundredth of it.
const patientMs = 120_000;

beforeAll(async () => {
  engines = await openEnginePair();
  proxies = await startCuttingProxies(engines.urls);
  router = await startTestRouter({ workerUrls: proxies.urls, timeScale: engines.isReal ? 1 : 10 });
}, patientMs);
afterAll(async () => {
  await router[Symbol.asyncDispose]();
  await proxies[Symbol.asyncDispose]();
  await engines.close();
}, patientMs);

interface Chunk {
  readonly id?: string;
  readonly text?: string;
  readonly output_ids?: readonly number[];
  readonly error?: unknown;
  readonly usage?: { readonly completion_tokens: number } | null;
  readonly choices?: readonly {
    readonly text?: string;
    readonly delta?: { readonly content?: string | null };
    readonly finish_reason: string | null;
  }[];
}

const greedy = { temperature: 0, ignore_eos: true };
const tokens = 40;
const words = 'The workers wait for the router';

async function ask(url: string, path: string, body: object): Promise<Chunk[]> {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'any', stream: true, ...body }),
  });
  expect(response.status).toBe(200);
  const payloads = eventsOf(await response.text()).map(({ data }) => data);
  expect(payloads.at(-1)).toBe('[DONE]');
  const chunks = payloads.slice(0, -1).map((payload) => JSON.parse(payload) as Chunk);
  expect(chunks.filter(({ error }) => error !== undefined)).toEqual([]);
  return chunks;
}

const textOf = (chunks: readonly Chunk[]) =>
  chunks
    .flatMap(({ choices }) => choices ?? [])
    .reduce((all, { text, delta }) => all + (text ?? delta?.content ?? ''), '');

/** Asks through the router and cuts whichever engine answers behind `events` events. */
async function askAndCut(path: string, body: object, events: number): Promise<Chunk[]> {
  await eventually(async () => {
    const { workers } = await router.fleet();
    expect(workers.map(({ state }) => state)).toEqual(['ready', 'ready']);
  }, patientMs);
  const { cuts } = proxies;
  proxies.cutAfter(events);
  const chunks = await ask(router.url, path, body);
  expect(proxies.cuts).toBe(cuts + 1);
  return chunks;
}

test(
  '/generate goes on by its ids: exactly the uncut text and ids',
  async () => {
    const body = { text: words, sampling_params: { max_new_tokens: tokens, ...greedy } };
    const uncut = (await ask(engines.urls[0], '/generate', body)).at(-1)!;
    for (const events of [1, 7, 20]) {
      const last = (await askAndCut('/generate', body, events)).at(-1)!;
      expect([last.text, last.output_ids]).toEqual([uncut.text, uncut.output_ids]);
    }
  },
  patientMs,
);

const options = { stream_options: { include_usage: true }, max_tokens: tokens, ...greedy };
const question = [{ role: 'user', content: words }];

test.each([
  [
    '/v1/chat/completions',
    { messages: question, ...options },
    (sent: string) => ({
      messages: [...question, { role: 'assistant', content: sent }],
      continue_final_message: true,
      ...options,
    }),
  ],
  ['/v1/completions', { prompt: words, ...options }, (sent: string) => ({ prompt: words + sent, ...options })],
] as const)(
  '%s goes on by its text: one stream of which nothing is lost or repeated',
  async (path, body, rest) => {
    const uncut = await ask(engines.urls[0], path, body);
    for (const events of [2, 8, 21]) {
      const sent = textOf(uncut.slice(0, events));
      const chunks = await askAndCut(path, body, events);
      // What the other engine itself says to the text so far; a little more of it, since the tokens are counted anew.
      const direct = sent === '' ? textOf(uncut) : sent + textOf(await ask(engines.urls[1], path, rest(sent)));
      const text = textOf(chunks);
      expect(text.length).toBeGreaterThan(sent.length);
      expect(direct.startsWith(text)).toBe(true);
      expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
      expect(chunks.at(-1)!.usage!.completion_tokens).toBe(tokens);
      if (!engines.isReal) expect(text).toBe(textOf(uncut));
    }
  },
  patientMs,
);
