import { startEngineServer } from '../../../runtime/engine-sim/server.ts';
import { callJson } from '../../../runtime/shared/call-json.ts';
import { EventSplitter } from '../../../runtime/shared/sse.ts';
import { eventually } from '../../support/eventually.ts';
import { startTestRouter } from '../../support/test-router.ts';

const timeScale = 20;

/** Two simulated engines behind a router; `die` makes the next answers of both break off after some tokens. */
async function startFleet() {
  const engines = [await startEngineServer({ timeScale }), await startEngineServer({ timeScale })] as const;
  const router = await startTestRouter({ workerUrls: engines.map(({ url }) => url), timeScale });
  return {
    engines,
    router,
    arm: (fault: object) => Promise.all(engines.map(({ url }) => callJson(`${url}/sim/faults`, { body: fault }))),
    disarm: () => Promise.all(engines.map(({ url }) => callJson(`${url}/sim/faults`, { method: 'DELETE' }))),
    async [Symbol.asyncDispose]() {
      await router[Symbol.asyncDispose]();
      for (const engine of engines) await engine.close();
    },
  };
}

interface Chunk {
  readonly id?: string;
  readonly text?: string;
  readonly output_ids?: readonly number[];
  readonly error?: unknown;
  readonly usage?: { readonly completion_tokens: number; readonly prompt_tokens: number } | null;
  readonly choices?: readonly {
    readonly text?: string;
    readonly delta?: { readonly content?: string | null };
    readonly finish_reason: string | null;
  }[];
  readonly meta_info?: { readonly completion_tokens: number };
}

async function readStream(url: string, path: string, body: object) {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(200);
  const payloads = new EventSplitter().push(new Uint8Array(await response.arrayBuffer()));
  expect(payloads.filter((payload) => payload === '[DONE]')).toHaveLength(1);
  expect(payloads.at(-1)).toBe('[DONE]');
  const chunks = payloads.slice(0, -1).map((payload) => JSON.parse(payload) as Chunk);
  expect(chunks.filter(({ error }) => error)).toEqual([]);
  const deltas = chunks.flatMap(({ choices }) => choices ?? []);
  return {
    ids: new Set(chunks.map(({ id }) => id)).size,
    text: deltas.map(({ text, delta }) => text ?? delta?.content ?? '').join('') || chunks.at(-1)!.text,
    outputIds: chunks.at(-1)!.output_ids,
    tokens: chunks.at(-1)!.usage?.completion_tokens ?? chunks.at(-1)!.meta_info?.completion_tokens,
    finish: deltas.map(({ finish_reason }) => finish_reason).filter((reason) => reason !== null),
  };
}

const words = 'Tell me of the sea.';
const requests = [
  [
    '/v1/chat/completions',
    { messages: [{ role: 'user', content: words }], max_tokens: 40, stream_options: { include_usage: true } },
  ],
  ['/v1/completions', { prompt: words, max_tokens: 40, stream_options: { include_usage: true } }],
  ['/generate', { text: words, sampling_params: { max_new_tokens: 40, ignore_eos: true } }],
  ['/generate', { input_ids: [5, 6, 7, 8, 9], sampling_params: { max_new_tokens: 40, ignore_eos: true } }],
] as const;

describe('a stream whose engine dies half way', () => {
  test.each(requests)(
    '%s goes on elsewhere, and the client sees one stream with nothing lost or repeated',
    async (path, rest) => {
      await using fleet = await startFleet();
      const body = { model: 'simulated-model', stream: true, ignore_eos: true, ...rest };
      const uncut = await readStream(fleet.engines[0].url, path, body);
      expect(uncut.tokens).toBe(40);
      for (const afterTokens of [1, 7, 39]) {
        await fleet.arm({ kind: 'die-mid-stream', afterTokens, path });
        expect(await readStream(fleet.router.url, path, body)).toEqual(uncut);
        await fleet.disarm();
        await eventually(async () =>
          expect((await fleet.router.fleet()).workers.filter(({ state }) => state === 'ready')).toHaveLength(2),
        );
      }
      expect(await fleet.router.metrics()).toMatch(
        /fleet_router_continuations_total\{outcome="(continued|finished)"\} [1-9]/,
      );
      for (const worker of (await fleet.router.fleet()).workers) {
        expect(worker).toMatchObject({ inFlightRequests: 0, inFlightTokens: 0 });
      }
    },
  );

  test('a request that no other engine could continue ends with an error that says why', async () => {
    await using fleet = await startFleet();
    await fleet.arm({ kind: 'die-mid-stream', afterTokens: 3 });
    const response = await fleet.router.chat({
      messages: [{ role: 'user', content: words }],
      stream: true,
      max_tokens: 20,
      ignore_eos: true,
      logprobs: true,
    });
    const text = await response.text();
    const last = text.trimEnd().split('\n\n').at(-1)!;
    expect(JSON.parse(last.slice(6))).toMatchObject({
      error: { code: 'ENGINE_BROKE_OFF', message: expect.stringContaining('log') },
    });
    expect(await fleet.router.metrics()).toContain('fleet_router_continuations_total{outcome="impossible"} 1');
  });
});

test('a request that its engine lost, while it answers others, is moved once its first byte is far beyond prediction', async () => {
  await using fleet = await startFleet();
  await callJson(`${fleet.engines[0].url}/sim/faults`, { body: { kind: 'hang', path: '/v1/completions' } });
  await callJson(`${fleet.engines[1].url}/sim/faults`, { body: { kind: 'hang', path: '/v1/completions', count: 1 } });
  const body = { prompt: words, stream: true, max_tokens: 5, ignore_eos: true, model: 'simulated-model' };
  // Both engines lose one: of three requests at least one has to move, and others keep the engines busy.
  const answers = [1, 2, 3].map(() => readStream(fleet.router.url, '/v1/completions', body));
  for (const { finish } of await Promise.all(answers)) expect(finish).toEqual(['length']);
  expect(await fleet.router.metrics()).toMatch(/fleet_router_retries_total\{reason="(late|stall)"\} [1-9]/);
});
