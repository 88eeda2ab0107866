import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { eventually } from '../../support/eventually.ts';
import { expectIdle, question, startOne, streamed } from '../../support/relay-fleet.ts';
import { delta, sse } from '../../support/scripted-engine.ts';

describe('what reaches the engine', () => {
  test('the body byte for byte, with one id spliced in, and query and headers as they came', async () => {
    await using fleet = await startOne();
    const body =
      '{ "unknown" : [1, 2.50e3, {"deep":null}],\n\t"messages":[{"role":"user","content":"\\u00e9 é"}], "messages2":0}';
    const response = await fetch(`${fleet.router.url}/v1/chat/completions?trace=1&x=%20y`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-Custom-Thing': 'Väl', Cookie: 'a=b' },
      body,
    });
    const id = response.headers.get('x-fleet-request-id')!;
    const [seen] = fleet.engine.seen;
    expect(seen!.body.toString()).toBe(body.replace('{', `{"rid":"${id}",`));
    expect(seen!.target).toBe('/v1/chat/completions?trace=1&x=%20y');
    expect(seen!.request.headers).toMatchObject({ 'x-custom-thing': 'Väl', cookie: 'a=b', host: fleet.engine.id });
  });

  test('no header by which a client would override the id, rank or priority of its request', async () => {
    await using fleet = await startOne();
    await fetch(`${fleet.router.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'X-Override-Rid': 'another', 'x-overridden': 'kept' },
      body: JSON.stringify(question),
    });
    const { headers } = fleet.engine.seen[0]!.request;
    expect(headers['x-overridden']).toBe('kept');
    expect(headers).not.toHaveProperty('x-override-rid');
  });

  test('nothing of a connection: hop-by-hop headers stay behind', async () => {
    await using fleet = await startOne();
    const request = http.request(`${fleet.router.url}/v1/completions`, {
      method: 'POST',
      headers: {
        connection: 'close, x-hop',
        'x-hop': '1',
        'x-end': '2',
        te: 'trailers',
        'transfer-encoding': 'chunked',
      },
    });
    request.end('{"prompt":"a"}');
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    response.resume();
    await once(response, 'end');
    const { headers } = fleet.engine.seen[0]!.request;
    expect(headers['x-end']).toBe('2');
    expect(headers).not.toHaveProperty('x-hop');
    expect(headers).not.toHaveProperty('te');
    expect(headers).not.toHaveProperty('transfer-encoding');
  });

  test('a body that is not JSON is passed on unread', async () => {
    await using fleet = await startOne();
    await fetch(`${fleet.router.url}/v1/audio/transcriptions`, {
      method: 'POST',
      body: 'not { json',
      headers: { 'content-type': 'multipart/form-data; boundary=x' },
    });
    expect(fleet.engine.seen[0]!.body.toString()).toBe('not { json');
  });

  test('administration paths never', async () => {
    await using fleet = await startOne();
    for (const path of [
      '/abort_request',
      '/flush_cache',
      '/update_weights_from_disk',
      '/open_session',
      '/v1/../flush_cache',
      '//flush_cache',
    ]) {
      const request = http.request(fleet.router.url, { path, method: 'POST' });
      request.end('{}');
      const [response] = (await once(request, 'response')) as [http.IncomingMessage];
      response.resume();
      expect(response.statusCode).toBe(404);
    }
    expect(fleet.engine.seen).toEqual([]);
    expect(fleet.engine.aborted).toEqual([]);
  });
});

describe('what reaches the client', () => {
  test("the engine's status, headers and body, and which worker it was", async () => {
    await using fleet = await startOne((response) => {
      response
        .writeHead(418, 'Teapot', { 'X-Engine': 'a', 'content-type': 'application/json', 'x-twice': ['1', '2'] })
        .end('{"object":"error"}');
    });
    const response = await fleet.router.chat(question);
    expect(response.status).toBe(418);
    expect(response.headers.get('x-engine')).toBe('a');
    expect(response.headers.get('x-twice')).toBe('1, 2');
    expect(response.headers.get('x-fleet-worker')).toBe(fleet.engine.id);
    expect(await response.text()).toBe('{"object":"error"}');
  });

  test('each event of a stream as soon as it was sent', async () => {
    const { promise: secondMaySend, resolve: letSecondSend } = Promise.withResolvers<void>();
    await using fleet = await startOne(async (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(sse(delta('one')));
      await secondMaySend;
      response.end(sse(delta('two'), '[DONE]'));
    });
    const reader = (await fleet.router.chat(streamed)).body!.getReader();
    const first = await reader.read();
    expect(Buffer.from(first.value!).toString()).toBe(sse(delta('one')));
    letSecondSend();
    let rest = '';
    for (let part = await reader.read(); !part.done; part = await reader.read())
      rest += Buffer.from(part.value).toString();
    expect(rest).toBe(sse(delta('two'), '[DONE]'));
    await expectIdle(fleet.router);
  });

  test('a stream that a slow client does not read is held back at its source', async () => {
    let hasStopped = false;
    await using fleet = await startOne((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const event = sse(delta('x'.repeat(64 * 1024)));
      let left = 1_000;
      const send = () => {
        while (left-- > 0) if (!response.write(event)) break;
        hasStopped = left > 0;
        if (left <= 0) response.end();
        else response.once('drain', send);
      };
      send();
    });
    const client = net.connect(Number(new URL(fleet.router.url).port), '127.0.0.1');
    const body = JSON.stringify(streamed);
    client.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    client.pause();
    await eventually(() => expect(hasStopped).toBe(true));
    let received = 0;
    client.on('data', (bytes) => {
      received += bytes.length;
    });
    client.resume();
    await eventually(() => expect(received).toBeGreaterThan(1_000 * 64 * 1024), 20_000);
    client.destroy();
    await expectIdle(fleet.router);
  }, 30_000);
});
