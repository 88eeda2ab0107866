import { eventually } from '../support/eventually.ts';
import { eventsOf, headerOf, parseRawResponse, type RawConnection } from './support/raw-http.ts';
import { type StartedEngine, startEngine } from './support/started-engine.ts';

/** Each test shows what a plain HTTP client sees of one fault, and that the request after it is served as ever. */
let engine: StartedEngine;
beforeEach(async () => {
  engine = await startEngine({ timeScale: 10 });
});
afterEach(() => engine[Symbol.asyncDispose]());

const chat = { messages: [{ role: 'user', content: 'Hello.' }], max_tokens: 10, ignore_eos: true };
const arm = async (fault: object) => expect((await engine.post('/sim/faults', fault)).status).toBe(200);
const open = (body: object = chat) => engine.open('/v1/chat/completions', body);

async function expectHealthy(): Promise<void> {
  const response = await engine.post('/v1/chat/completions', chat);
  expect([response.status, response.isComplete]).toEqual([200, true]);
}

const contentEvents = (body: string) => eventsOf(body).filter(({ data }) => /"content":" /.test(data)).length;

async function errorOf(connection: RawConnection): Promise<string | undefined> {
  await connection.untilEnd();
  await eventually(() => expect(connection.socket.destroyed || connection.error !== undefined).toBe(true));
  return connection.error?.code;
}

test('refuse: connections are refused for a while, and what runs goes on', async () => {
  const running = open({ ...chat, stream: true, max_tokens: 300 });
  await running.until((text) => text.includes('data: '));
  await arm({ kind: 'refuse', durationMs: 1_000 });
  await eventually(async () => {
    const refused = open();
    expect(await errorOf(refused)).toBe('ECONNREFUSED');
  });
  await eventually(expectHealthy);
  expect(parseRawResponse(await running.untilEnd()).isComplete).toBe(true);
});

test('reset: the connection is reset before any answer', async () => {
  await arm({ kind: 'reset' });
  const connection = open();
  expect(await errorOf(connection)).toBe('ECONNRESET');
  expect(connection.text).toBe('');
  await expectHealthy();
});

test('hang: the request is read and never answered, while others are', async () => {
  await arm({ kind: 'hang' });
  const hanging = open();
  await eventually(async () => expect((await engine.get('/sim/faults')).body).toBe('{"armed":[]}'));
  await expectHealthy();
  expect(hanging.text).toBe('');
  expect(hanging.socket.readyState).toBe('open');
});

test('slow first byte: nothing comes before the delay, then the whole answer', async () => {
  await arm({ kind: 'slow-first-byte', delayMs: 10_000 });
  const slow = open({ ...chat, stream: true });
  const sentAt = performance.now();
  const body = parseRawResponse(await slow.untilEnd());
  expect(performance.now() - sentAt).toBeGreaterThan(990);
  expect([body.isComplete, contentEvents(body.body)]).toEqual([true, 10]);
});

test('stall mid-stream: some tokens come, then nothing, and the connection stays open', async () => {
  await arm({ kind: 'stall-mid-stream', afterTokens: 4 });
  const stalled = open({ ...chat, stream: true });
  await stalled.until((text) => contentEvents(text) === 4);
  await engine.untilRunning(0);
  await expectHealthy();
  expect(contentEvents(stalled.text)).toBe(4);
  expect(stalled.text).not.toContain('[DONE]');
  expect(stalled.socket.readyState).toBe('open');
});

test('die mid-stream: some tokens come, then the connection ends without the last chunk', async () => {
  await arm({ kind: 'die-mid-stream', afterTokens: 4 });
  const response = parseRawResponse(await open({ ...chat, stream: true }).untilEnd());
  expect([response.status, response.isComplete, contentEvents(response.body)]).toEqual([200, false, 4]);
  expect(response.body).not.toContain('[DONE]');
  await engine.untilRunning(0);
  await expectHealthy();
});

test('die mid-stream without a stream: half of the body, then the end', async () => {
  await arm({ kind: 'die-mid-stream' });
  const response = parseRawResponse(await open().untilEnd());
  expect([response.status, response.isComplete]).toEqual([200, false]);
  expect(Number(headerOf(response, 'content-length'))).toBeGreaterThan(response.body.length);
  await expectHealthy();
});

test('overload: a stream is refused inside an HTTP 200, anything else with a 503', async () => {
  await arm({ kind: 'overload', count: 2 });
  const stream = parseRawResponse(await open({ ...chat, stream: true }).untilEnd());
  expect(stream.status).toBe(200);
  expect(eventsOf(stream.body)[0]!.data).toContain('"type":"SERVICE_UNAVAILABLE"');
  expect((await engine.post('/v1/chat/completions', chat)).status).toBe(503);
  await expectHealthy();
});

test('wrong content length: the head promises more than comes before the connection ends', async () => {
  await arm({ kind: 'wrong-content-length' });
  const response = parseRawResponse(await open().untilEnd());
  expect(JSON.parse(response.body).usage.completion_tokens).toBe(10);
  expect(Number(headerOf(response, 'content-length'))).toBe(response.body.length + 10);
  await expectHealthy();
});

test('a fault strikes as often as it was armed for, only on its path, the oldest first', async () => {
  await arm({ kind: 'overload', count: 2, path: '/generate' });
  await arm({ kind: 'reset' });
  const native = () => engine.post('/generate', { text: 'x' }).then(({ status }) => status);
  expect(await native()).toBe(503);
  expect(JSON.parse((await engine.get('/sim/faults')).body).armed).toEqual([
    { kind: 'overload', count: 1, path: '/generate' },
    { kind: 'reset', count: 1 },
  ]);
  expect(await errorOf(open())).toBe('ECONNRESET');
  expect([await native(), await native()]).toEqual([503, 200]);
});

test('armed faults can be taken back, and an unknown one is refused with its name', async () => {
  await arm({ kind: 'hang', count: 3 });
  const cleared = await fetch(`${engine.server.url}/sim/faults`, { method: 'DELETE' });
  expect(await cleared.json()).toEqual({ armed: [] });
  await expectHealthy();
  const refused = await engine.post('/sim/faults', { kind: 'explode' });
  expect(refused.status).toBe(400);
  expect(JSON.parse(refused.body).error.message).toContain('kind');
});
