import { setTimeout as delay } from 'node:timers/promises';
import { eventsOf, headerOf, parseRawResponse, type RawConnection } from './support/raw-http.ts';
import { endlessChat, endlessSampling, type StartedEngine, startEngine } from './support/started-engine.ts';

const queueFull = 'The request queue is full.';
const refusedEvent = `{"error":{"object":"error","message":"${queueFull}","type":"SERVICE_UNAVAILABLE","param":null,"code":503}}`;

/** One request runs, one waits: there is no room for more. */
let engine: StartedEngine;
beforeAll(async () => {
  engine = await startEngine({ settings: { maxRunningRequests: 1, maxQueuedRequests: 1 } });
  engine.open('/v1/chat/completions', endlessChat(true));
  await engine.untilRunning(1);
  engine.open('/v1/chat/completions', endlessChat(true));
  await engine.untilLogged('#queue-req: 1');
});
afterAll(() => engine[Symbol.asyncDispose]());

test.each([
  ['/v1/chat/completions', { messages: [{ role: 'user', content: 'x' }] }],
  ['/v1/completions', { prompt: 'x' }],
])('%s: the refusal of a stream hides in an HTTP 200 as the first event', async (path, body) => {
  const response = await engine.post(path, { ...body, stream: true });
  expect([response.status, headerOf(response, 'content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
  expect(eventsOf(response.body).map(({ data }) => data)).toEqual([refusedEvent, '[DONE]']);
});

test('/generate: a refused stream has one event with an abort of status code 503', async () => {
  const response = await engine.post('/generate', { text: 'x', stream: true });
  const [event, done] = eventsOf(response.body).map(({ data }) => data);
  expect([response.status, done]).toEqual([200, '[DONE]']);
  expect(JSON.parse(event!)).toEqual({
    text: '',
    output_ids: [],
    meta_info: {
      id: expect.any(String),
      finish_reason: { type: 'abort', status_code: 503, message: queueFull },
      weight_version: 'default',
      e2e_latency: expect.any(Number),
      completion_tokens: 0,
    },
  });
});

test.each([
  ['/v1/chat/completions', { messages: [{ role: 'user', content: 'x' }] }],
  ['/v1/completions', { prompt: 'x' }],
  ['/generate', { text: 'x' }],
])('%s: without a stream the refusal is a 503', async (path, body) => {
  const response = await engine.post(path, body);
  expect(response.status).toBe(503);
  expect(JSON.parse(response.body)).toEqual({
    object: 'error',
    message: queueFull,
    type: '503',
    param: null,
    code: 503,
  });
  expect(headerOf(response, 'retry-after')).toBeUndefined();
});

test('/v1/messages: a refused stream is a well-formed one with an error event', async () => {
  const body = { model: 'm', max_tokens: 5, messages: [{ role: 'user', content: 'x' }] };
  const stream = await engine.post('/v1/messages', { ...body, stream: true });
  expect(stream.status).toBe(200);
  expect(eventsOf(stream.body).map(({ event }) => event)).toEqual(['message_start', 'error', 'message_stop']);
  expect(stream.body).toContain(`{"type":"overloaded_error","message":"${queueFull}"}`);
  const whole = await engine.post('/v1/messages', body);
  expect([whole.status, JSON.parse(whole.body).error.type]).toEqual([503, 'overloaded_error']);
});

test('a request that is aborted while it waits ends as an answer without text', async () => {
  await using busy = await startEngine({ settings: { maxRunningRequests: 1 } });
  busy.open('/v1/chat/completions', endlessChat(true));
  await busy.untilRunning(1);
  const waiting = busy.open('/generate', { text: 'x', rid: 'waits' });
  await busy.untilLogged('#queue-req: 1');
  await busy.post('/abort_request', { rid: 'waits' });
  const { status, body } = parseRawResponse(await waiting.untilEnd());
  expect(status).toBe(200);
  expect(JSON.parse(body)).toMatchObject({
    text: '',
    meta_info: { finish_reason: { type: 'abort', message: 'Abort in waiting queue' }, completion_tokens: 0 },
  });
});

/** Six long requests that all run. On a busy machine the last may come when the others have filled the engine: then anew. */
async function startSixRunning(deadlineMs = 40_000): Promise<{ engine: StartedEngine; running: RawConnection[] }> {
  for (const end = performance.now() + deadlineMs; ; ) {
    const engine = await startEngine({
      timeScale: 4,
      settings: {
        maxTotalTokens: 3_000,
        maxRunningRequests: 6,
        maxQueuedRequests: 2,
        scheduleConservativeness: 0.1,
      },
    });
    const finished = engine.server.core.snapshot().totals.finishedRequests; // The warm-up's.
    const running = Array.from({ length: 6 }, (_, i) => engine.open('/generate', longRequest(i)));
    let state = engine.server.core.snapshot();
    while (state.runningRequests < 6 && state.totals.finishedRequests === finished && performance.now() < end) {
      await delay(1);
      state = engine.server.core.snapshot();
    }
    if (state.runningRequests === 6) return { engine, running };
    await engine[Symbol.asyncDispose]();
    if (performance.now() > end) throw new Error(`not six at once but ${JSON.stringify(state)}`);
  }
}

const longRequest = (i: number) => ({
  text: `Request number ${i}`,
  sampling_params: { ...endlessSampling, max_new_tokens: 900 },
  stream: true,
  rid: `r${i}`,
});

test('after a retraction a full queue throws a running request out, with all that it had generated', async () => {
  const { engine, running } = await startSixRunning();
  await using small = engine;
  const open = (i: number) => small.open('/generate', longRequest(i));
  const waiting = [open(6), open(7)];
  const endings = await Promise.all(
    [...running, ...waiting].map(async (connection) => {
      const events = eventsOf(parseRawResponse(await connection.untilEnd()).body);
      return JSON.parse(events.at(-2)!.data).meta_info;
    }),
  );
  const thrownOut = endings.filter(({ finish_reason }) => finish_reason.type === 'abort');
  expect(thrownOut.length).toBeGreaterThan(0);
  for (const { finish_reason, completion_tokens } of thrownOut) {
    expect(finish_reason).toMatchObject({ status_code: 503, message: queueFull });
    expect(completion_tokens).toBeGreaterThan(0);
  }
  expect(small.log.join('\n')).toContain('KV cache pool is full. Retract requests. #retracted_reqs: 1');
  expect(endings.some(({ finish_reason }) => finish_reason.type === 'length')).toBe(true);
});
