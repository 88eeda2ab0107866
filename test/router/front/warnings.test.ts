import { startFleetCommand } from '../../support/process.ts';
import { RawClient, request } from '../../support/raw-client.ts';
import { startScriptedEngine } from '../../support/scripted-engine.ts';

test('neither slow readers nor long-lived connections leave listeners behind, of which Node would warn', async () => {
  const chunks = 20_000;
  const chunk = 'x'.repeat(400);
  // Many small chunks in one read, more than a client that does not read has room for.
  await using engine = await startScriptedEngine((response) => {
    response.writeHead(200);
    for (let i = 0; i < chunks; i++) response.write(chunk);
    response.end();
  });
  await using router = startFleetCommand(['router', '--port', '0', '--worker-url', engine.url]);
  const url = (await router.waitForLine(/"url":"(http:[^"]+)"/))[1]!;
  await router.waitForLine(/ready/);
  using client = RawClient.to(url);
  client.socket.pause();
  client.send(request('POST', '/encode', 'a'));
  using other = RawClient.to(url);
  for (let i = 0; i < 40; i++) {
    expect((await other.send(request('GET', '/health')).answer()).status).toBe(200);
    expect((await other.send(request('GET', '/generate')).answer()).status).toBe(405);
  }
  client.socket.resume();
  expect((await client.answer()).body).toHaveLength(chunks * chunk.length);
  router.signal('SIGTERM');
  expect(await router.waitForExit()).toMatchObject({ code: 0 });
  expect(router.output).not.toMatch(/Warning/);
});
