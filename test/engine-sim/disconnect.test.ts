import { capturedJson } from './fidelity/captures.ts';
import { endlessChat, endlessSampling, startEngine } from './support/started-engine.ts';

/** Seconds from the client's leaving to an idle engine, as a real server had them. */
const captured = capturedJson('behaviour') as Record<string, { before: number[]; idle_after_s: number }>;

const completion = { prompt: 'Never stop.', max_tokens: 30_000, ignore_eos: true };
const native = { text: 'Never stop.', sampling_params: endlessSampling };

const streams = [
  ['chat_stream_close', '/v1/chat/completions', endlessChat(true), 'close'],
  ['chat_stream_rst', '/v1/chat/completions', endlessChat(true), 'reset'],
  ['generate_stream_close', '/generate', { ...native, stream: true }, 'close'],
  ['completions_stream_close', '/v1/completions', { ...completion, stream: true }, 'close'],
  ['chat_stream_halfclose', '/v1/chat/completions', endlessChat(true), 'half-close'],
] as const;

const whole = [
  ['chat_nonstream_close', '/v1/chat/completions', endlessChat(false), 'close'],
  ['chat_nonstream_rst', '/v1/chat/completions', endlessChat(false), 'reset'],
  ['generate_nonstream_close', '/generate', native, 'close'],
  ['chat_nonstream_halfclose', '/v1/chat/completions', endlessChat(false), 'half-close'],
] as const;

type Leave = 'close' | 'reset' | 'half-close';

async function leave(connection: { socket: import('node:net').Socket }, how: Leave): Promise<void> {
  if (how === 'close') connection.socket.destroy();
  else if (how === 'reset') connection.socket.resetAndDestroy();
  else connection.socket.end();
}

const pollMs = 4_000;
const stepMs = 20;

test.each(streams)('%s: the engine stops at once', async (name, path, body, how) => {
  expect(captured[name]!.idle_after_s).toBeLessThan(1);
  // A step of this length gives 200 tokens in the time after which a request without stream would be dropped.
  await using engine = await startEngine({ settings: { decodeStepMs: stepMs, decodeMsPerRequest: 0 } });
  const connection = engine.open(path, body);
  await connection.until((text) => text.split('data: ').length > 3);
  const before = engine.server.core.snapshot();
  expect([before.runningRequests, before.waitingRequests]).toEqual(captured[name]!.before);
  await leave(connection, how);
  await engine.untilRunning(0);
  const { totals } = engine.server.core.snapshot();
  expect(totals.abortedRequests).toBe(1);
  expect(totals.generatedTokens - before.totals.generatedTokens).toBeLessThan(pollMs / stepMs);
});

test.each(whole)('%s: the engine goes on until SGLang looks for the client', async (name, path, body, how) => {
  expect(captured[name]!.idle_after_s).toBeGreaterThan(2);
  await using engine = await startEngine({
    timeScale: 20,
    settings: { decodeStepMs: stepMs, decodeMsPerRequest: 0, decodeMsPerThousandContextTokens: 0 },
  });
  const connection = engine.open(path, body);
  await engine.untilRunning(1);
  await leave(connection, how);
  await engine.untilRunning(0);
  const { totals } = engine.server.core.snapshot();
  expect(totals.abortedRequests).toBe(1);
  // All but the last step or two of the first 4 s of engine time.
  expect(totals.generatedTokens).toBeGreaterThan(pollMs / stepMs - 5);
  expect(connection.text).toBe('');
});

test('the native route logs whom it dropped, the OpenAI routes do not', async () => {
  await using engine = await startEngine({ timeScale: 50 });
  const dropped = () => engine.log.filter((line) => line.includes('disconnected'));
  const chat = engine.open('/v1/chat/completions', endlessChat(false));
  await engine.untilRunning(1);
  chat.destroy();
  await engine.untilRunning(0);
  expect(dropped()).toEqual([]);
  const request = engine.open('/generate', { ...native, rid: 'dropped' });
  await engine.untilRunning(1);
  request.destroy();
  await engine.untilRunning(0);
  expect(dropped()).toEqual([
    "[http_server] Error: Request is disconnected from the client side (type 1). Abort request obj.rid='dropped'",
  ]);
});

test('an abort before the close ends the stream as a whole answer', async () => {
  await using engine = await startEngine();
  const connection = engine.open('/v1/chat/completions', endlessChat(true, { rid: 'mine' }));
  await connection.until((text) => text.split('data: ').length > 3);
  const answer = await engine.post('/abort_request', { rid: 'mine' });
  expect(answer.status).toBe(200);
  const text = (await connection.untilEnd()).toString();
  expect(text).toContain('"finish_reason":"abort"');
  expect(text).toMatch(/data: \[DONE\]\n\n\r\n0\r\n\r\n$/);
  await engine.untilRunning(0);
});

test('an abort after the close of a request without stream frees the engine before SGLang would have looked', async () => {
  await using engine = await startEngine();
  const connection = engine.open('/v1/chat/completions', endlessChat(false, { rid: 'mine' }));
  await engine.untilRunning(1);
  connection.destroy();
  await engine.post('/abort_request', { rid: 'mine' });
  await engine.untilRunning(0);
  expect(engine.server.core.snapshot().totals.generatedTokens).toBeLessThan(pollMs / 10);
});
