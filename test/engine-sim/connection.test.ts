import { capturedJson } from './fidelity/captures.ts';
import { getBytes, RawConnection } from './support/raw-http.ts';
import { endlessChat, type StartedEngine, startEngine } from './support/started-engine.ts';

const captured = capturedJson('behaviour') as Record<string, string> & { expect_100: [string, string] };
const withoutDate = (text: string) => text.replace(/date: [^\r]+/, 'date: D');

let engine: StartedEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine[Symbol.asyncDispose]());

async function send(bytes: string): Promise<string> {
  const connection = new RawConnection(engine.port);
  connection.send(bytes);
  return withoutDate((await connection.untilEnd()).toString());
}

test('an idle connection is closed after 5 s, a silent new one is not', async () => {
  const silent = new RawConnection(engine.port);
  const idle = new RawConnection(engine.port);
  idle.send(getBytes('/ping', 'keep-alive'));
  await idle.until((text) => text.includes('\r\n\r\n'));
  const answeredAt = performance.now();
  await idle.untilEnd();
  expect(performance.now() - answeredAt).toBeGreaterThan(4_900);
  silent.send(getBytes('/ping'));
  expect((await silent.untilEnd()).toString()).toMatch(/^HTTP\/1\.1 200/);
});

test('three requests in one go are answered three times', async () => {
  const requests = getBytes('/ping', 'keep-alive') + getBytes('/ping', 'keep-alive') + getBytes('/ping');
  expect((await send(requests)).match(/HTTP\/1\.1 200 OK/g)?.length).toBe(captured['pipelined_3_pings']);
});

test('Expect: 100-continue is answered before the body comes', async () => {
  const body = JSON.stringify({ prompt: 'hi', max_tokens: 1 });
  const connection = new RawConnection(engine.port);
  connection.send(
    `POST /v1/completions HTTP/1.1\r\nhost: engine\r\nconnection: close\r\nexpect: 100-continue\r\n` +
      `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`,
  );
  expect(await connection.until((text) => text.includes('\r\n\r\n'))).toBe(captured.expect_100[0]);
  connection.send(body);
  const answer = withoutDate((await connection.untilEnd()).toString()).slice(captured.expect_100[0].length);
  expect(answer.startsWith(withoutDate(captured.expect_100[1]))).toBe(true);
});

test('a chunked request body is read', async () => {
  const body = JSON.stringify({ prompt: 'hi', max_tokens: 1 });
  const answer = await send(
    `POST /v1/completions HTTP/1.1\r\nhost: engine\r\nconnection: close\r\ntransfer-encoding: chunked\r\n` +
      `content-type: application/json\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
  );
  expect(answer.startsWith(withoutDate(captured['chunked_request']!))).toBe(true);
});

test('HTTP/1.0 is answered and closed', async () => {
  expect(await send('GET /ping HTTP/1.0\r\nhost: engine\r\n\r\n')).toBe(withoutDate(captured['http10_ping']!));
});

test('garbage gets the words of uvicorn', async () => {
  expect(await send('this is no HTTP\r\n\r\n')).toBe(captured['garbage']);
  await engine.untilLogged('WARNING:  Invalid HTTP request received.');
});

test('a header of 70 kB is accepted', async () => {
  const request = `GET /ping HTTP/1.1\r\nhost: engine\r\nconnection: close\r\nx-long: ${'a'.repeat(70_000)}\r\n\r\n`;
  expect(await send(request)).toBe(withoutDate(captured['huge_header']!));
});

test('an upgrade to HTTP/2 is ignored', async () => {
  const request =
    'GET /ping HTTP/1.1\r\nhost: engine\r\nconnection: Upgrade, HTTP2-Settings, close\r\nupgrade: h2c\r\n' +
    'http2-settings: AAMAAABkAAQAAP__\r\n\r\n';
  expect(await send(request)).toBe(withoutDate(captured['h2c_upgrade']!));
});

test('a request id in flight cannot be used again, and the first request is not disturbed', async () => {
  const first = engine.open('/v1/chat/completions', endlessChat(true, { rid: 'dup', max_tokens: 100 }));
  await first.until((text) => text.includes('data: '));
  const refused = await engine.post('/v1/chat/completions', endlessChat(false, { rid: 'dup' }));
  const capturedBody = captured['duplicate_rid_inflight']!.split('\r\n\r\n')[1];
  expect([refused.status, refused.body]).toEqual([400, capturedBody]);
  const events = (await first.untilEnd()).toString();
  expect(events).toContain('"finish_reason":"length"');
  expect(events.endsWith('data: [DONE]\n\n\r\n0\r\n\r\n')).toBe(true);
});
