import { defaultPreset } from '../../runtime/engine-sim/presets.ts';
import { startEngineServer } from '../../runtime/engine-sim/server.ts';
import { exchangeRaw, getBytes } from './support/raw-http.ts';
import { endlessChat, startEngine } from './support/started-engine.ts';

const prefills = (log: readonly string[]) => log.filter((line) => line.startsWith('Prefill batch'));

test('health is 503 from the binding of the port to the end of the warm-up, then 200', async () => {
  // The warm-up takes 8 tokens.
  const settings = { ...defaultPreset.settings, decodeStepMs: 100 };
  const server = await startEngineServer({ settings });
  try {
    expect((await exchangeRaw(server.port, getBytes('/health'))).status).toBe(503);
    expect((await exchangeRaw(server.port, getBytes('/v1/models'))).status).toBe(200);
    await server.ready;
    expect((await exchangeRaw(server.port, getBytes('/health'))).status).toBe(200);
  } finally {
    await server.close();
  }
});

test('a probe of an idle server costs a token of work, of a busy one nothing', async () => {
  await using engine = await startEngine({ timeScale: 20 });
  const before = prefills(engine.log).length;
  expect((await engine.get('/health')).status).toBe(200);
  expect((await engine.get('/health_generate')).status).toBe(200);
  const probes = prefills(engine.log).slice(before);
  expect(probes).toHaveLength(2);
  expect(probes[0]).toContain('#new-seq: 1, #new-token: 1,');
  engine.open('/v1/chat/completions', endlessChat(true));
  await engine.untilRunning(1);
  const whenBusy = prefills(engine.log).length;
  expect((await engine.get('/health')).status).toBe(200);
  expect(prefills(engine.log)).toHaveLength(whenBusy);
});

test('a healthy answer does not come before a second of engine time', async () => {
  await using engine = await startEngine();
  const askedAt = performance.now();
  expect((await engine.get('/health')).status).toBe(200);
  expect(performance.now() - askedAt).toBeGreaterThan(990);
});

test('a step that outlasts 20 s of engine time makes the server unhealthy', async () => {
  await using engine = await startEngine({
    timeScale: 100,
    settings: { decodeStepMs: 60_000 },
    skipServerWarmup: true,
  });
  engine.open('/v1/chat/completions', endlessChat(true, { max_tokens: 2 }));
  await engine.untilRunning(1);
  await engine.untilLogged('Prefill batch');
  expect((await engine.get('/health')).status).toBe(503);
  expect(engine.log.join('\n')).toContain('Health check failed.');
});

test('with a key everything but health and metrics needs it', async () => {
  await using engine = await startEngine({ timeScale: 20, apiKey: 'the-key' });
  for (const path of ['/v1/models', '/v1/loads', '/server_info', '/ping']) {
    const refused = await engine.get(path);
    expect([refused.status, refused.body]).toEqual([401, '{"error":"Unauthorized"}']);
  }
  expect((await engine.get('/health')).status).toBe(200);
  expect((await engine.get('/metrics')).status).toBe(200);
  const headers = { authorization: 'Bearer the-key' };
  expect((await fetch(`${engine.server.url}/v1/models`, { headers })).status).toBe(200);
  expect((await fetch(`${engine.server.url}/v1/models`, { headers: { authorization: 'Bearer x' } })).status).toBe(401);
});
