import { startEngineServer } from '../../../runtime/engine-sim/server.ts';
import { parseKeyList } from '../../../runtime/router/keys/key-list.ts';
import { startRouter } from '../../../runtime/router/router.ts';
import { openLocalSandboxes } from '../../../runtime/router/sessions/local-sandboxes.ts';
import { createLogger } from '../../../runtime/shared/log.ts';
import { SessionClient } from '../../support/session-client.ts';
import { testRouterConfig } from '../../support/test-router.ts';

test('a router without runners hosts sessions whose agents ask through it, past its own keys', async () => {
  await using cleanUp = new AsyncDisposableStack();
  const engine = await startEngineServer({ timeScale: 100, meanOutputTokens: 20 });
  cleanUp.defer(() => engine.close());
  const logged: string[] = [];
  const log = createLogger({ service: 'test', write: (line) => void logged.push(line) });
  const apiKeys = parseKeyList('team:s3cret');
  const config = testRouterConfig({ workerUrls: [engine.url], apiKeys, localSandboxes: 2, timeScale: 100 });
  const local = await openLocalSandboxes(config, log);
  const router = await startRouter(config, log, { local });
  cleanUp.defer(() => router.close());
  const client = new SessionClient(router.url, 's3cret');
  const { id, runnerId } = await client.create();
  expect(runnerId).toBe(local.runnerId);
  const answer = await client.ask(id, 'Hello there');
  expect(answer).toMatchObject({ status: 200, body: { choices: [{ message: { role: 'assistant' } }] } });
  expect((await client.get(id)).body).toMatchObject({ status: 'active' });
  expect(logged.join()).not.toContain(local.apiKey);
});

test('but not behind a certificate that its agents would not know', async () => {
  const config = testRouterConfig({ localSandboxes: 1, tlsCert: 'c', tlsKey: 'k' });
  await expect(openLocalSandboxes(config, createLogger({ service: 'test', level: 'silent' }))).rejects.toThrow(
    '--local-sandboxes goes without TLS',
  );
});
