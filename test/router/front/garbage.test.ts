import { once } from 'node:events';
import fc from 'fast-check';
import { RawClient, request } from '../../support/raw-client.ts';
import { startScriptedEngine } from '../../support/scripted-engine.ts';
import { startTestRouter } from '../../support/test-router.ts';

const json = ['content-type: application/json'];
const chunked = (path: string) =>
  `POST ${path} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nt: 1\r\n\r\n`;

const valid = fc.constantFrom(
  request('POST', '/v1/chat/completions', '{"messages":[]}', json),
  request('POST', '/generate', '{"text":"a","stream":true}', [...json, 'expect: 100-continue']),
  request('HEAD', '/encode'),
  request('GET', '/health', '', ['connection: close']),
  request('GET', '/api/fleet', '', ['upgrade: x', 'connection: upgrade']),
  request('CONNECT', 'a:443'),
  request('POST', '/api/internal/runners/register', '{"runnerId":1}', json),
  chunked('/encode'),
  chunked('/api/internal/runners/heartbeat'),
  'GET /health HTTP/1.0\r\nconnection: keep-alive\r\n\r\n',
  'POST /encode HTTP/1.0\r\ncontent-length: 3\r\n\r\nabc',
);

const scrap = fc.oneof(
  fc.constantFrom('\r\n', '\n', '\r', ' ', ':', '\0', '0\r\n\r\n', 'ffffffff\r\n', 'Content-Length: 9\r\n', '\xff'),
  fc.constantFrom('Transfer-Encoding: chunked\r\n', 'Expect: x\r\n', ' HTTP/1.1\r\n', 'HTTP/2.0', 'x'.repeat(140_000)),
  fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
);

/** Requests of which some bytes were replaced by scraps. */
const mutated = fc
  .tuple(
    fc.array(valid, { minLength: 1, maxLength: 4 }),
    fc.array(fc.tuple(fc.nat(), fc.nat(6), scrap), { maxLength: 3 }),
  )
  .map(([requests, edits]) => {
    let text = requests.join('');
    for (const [place, dropped, put] of edits) {
      const at = place % (text.length + 1);
      text = text.slice(0, at) + put + text.slice(at + dropped);
    }
    return text;
  });

/** Sends `text` in pieces and leaves without waiting for what comes of it. */
async function attack(url: string, text: string, cuts: readonly number[], resets: boolean): Promise<void> {
  using client = RawClient.to(url);
  await once(client.socket, 'connect');
  const ends = [...cuts.map((cut) => cut % (text.length + 1)), text.length].sort((a, b) => a - b);
  let from = 0;
  for (const end of ends) {
    if (client.socket.destroyed) break;
    client.send(text.slice(from, end));
    from = end;
    await new Promise(setImmediate);
  }
  if (resets) client.socket.resetAndDestroy();
  else client.socket.end();
}

test('whatever is sent however it is cut, the router lives and serves the next client', async () => {
  await using engine = await startScriptedEngine((response, { target }) => void response.end(target));
  await using router = await startTestRouter({ workerUrls: [engine.url], maxBodyBytes: 1_000 });
  const sent = fc.oneof(
    mutated,
    fc.array(scrap).map((scraps) => scraps.join('')),
  );
  await fc.assert(
    fc.asyncProperty(sent, fc.array(fc.nat(), { maxLength: 4 }), fc.boolean(), async (text, cuts, resets) => {
      await attack(router.url, text, cuts, resets);
      using next = RawClient.to(router.url);
      next.send(request('POST', '/encode', 'good') + request('GET', '/health'));
      expect((await next.answers(2)).map(({ status }) => status)).toEqual([200, 200]);
    }),
    { numRuns: 300 },
  );
  expect(router.logged.filter(({ msg }) => msg === 'relay failed')).toEqual([]);
});

test('valid requests, however they are cut, are each answered once and in order', async () => {
  await using engine = await startScriptedEngine((response, { body }) => void response.end(body));
  await using router = await startTestRouter({ workerUrls: [engine.url] });
  const kind = fc.constantFrom('counted', 'chunked', 'control');
  await fc.assert(
    fc.asyncProperty(fc.array(kind, { minLength: 1, maxLength: 6 }), fc.array(fc.nat()), async (kinds, cuts) => {
      const text = kinds.map((what, i) => {
        if (what === 'control') return request('GET', '/health');
        return what === 'counted' ? request('POST', '/encode', `body-${i}`) : chunked('/encode');
      });
      using client = RawClient.to(router.url);
      await once(client.socket, 'connect');
      const all = text.join('');
      const ends = [...cuts.map((cut) => cut % all.length), all.length].sort((a, b) => a - b);
      for (const [i, end] of ends.entries()) {
        client.send(all.slice(ends[i - 1] ?? 0, end));
        await new Promise(setImmediate);
      }
      const bodies = (await client.answers(kinds.length)).map(({ body }) => body.toString());
      for (const [i, what] of kinds.entries()) {
        if (what === 'control') expect(bodies[i]).toContain('"status":"ok"');
        else expect(bodies[i]).toBe(what === 'counted' ? `body-${i}` : 'hello');
      }
      expect(client.rest).toHaveLength(0);
    }),
    { numRuns: 100 },
  );
});
