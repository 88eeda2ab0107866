import { startEngineServer } from '../../../runtime/engine-sim/server.ts';
import { parseKeyList } from '../../../runtime/router/keys/key-list.ts';
import { startRouter } from '../../../runtime/router/router.ts';
import { openLocalSandboxes } from '../../../runtime/router/sessions/local-sandboxes.ts';
import { createLogger } from '../../../runtime/shared/log.ts';
import { managedPrograms } from '../../support/managed-programs.ts';
import { SessionClient } from '../../support/session-client.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { testRouterConfig } from '../../support/test-router.ts';

test.each(managedPrograms())('sessions live as with the built-in relay, with $name', async (program) => {
  await using cleanUp = new AsyncDisposableStack();
  const { path: dataDir } = cleanUp.use(await temporaryDirectory());
  const engine = await startEngineServer({ timeScale: 100, meanOutputTokens: 20 });
  cleanUp.defer(() => engine.close());
  const managed = { ...(await program.prepare(dataDir)), extraArguments: [] };
  const apiKeys = parseKeyList('team:s3cret');
  const sessions = { localSandboxes: 2, apiKeys, dataDir, holdSeconds: 50 };
  const config = testRouterConfig({ workerUrls: [engine.url], managed, ...sessions });
  const log = createLogger({ service: 'test', level: 'silent' });
  const router = await startRouter(config, log, { local: await openLocalSandboxes(config, log) });
  cleanUp.defer(() => router.close());
  const client = new SessionClient(router.url, 's3cret');
  const { id } = await client.create();
  // The agent's own request waits for sglang-router when it is sooner.
  const answer = await client.ask(id, 'Hello there');
  expect(answer).toMatchObject({ status: 200, body: { choices: [{ message: { role: 'assistant' } }] } });
  expect(await client.transcript(id)).toHaveLength(2);
});
