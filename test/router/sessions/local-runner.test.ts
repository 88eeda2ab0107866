import { startRouter } from '../../../runtime/router/router.ts';
import { createLogger } from '../../../runtime/shared/log.ts';
import type { RunnerBackend, TurnEvent } from '../../../runtime/shared/sandbox-protocol.ts';
import { SessionClient } from '../../support/session-client.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { testRouterConfig } from '../../support/test-router.ts';

const log = createLogger({ service: 'test', level: 'silent' });

/** Sandboxes that are nothing but their answers. */
class EchoBackend implements RunnerBackend {
  readonly sandboxes = new Set<string>();
  isClosed = false;

  async createSandbox({ sessionId, agent }: { sessionId: string; agent: string }) {
    this.sandboxes.add(sessionId);
    return { id: sessionId, agent, status: 'ready' as const, turns: 0 };
  }

  async getSandbox() {
    return undefined;
  }

  async listSandboxes() {
    return [];
  }

  async *sendMessage(_sessionId: string, { content }: { content: string }): AsyncGenerator<TurnEvent, void> {
    yield { object: 'fleet.turn', message: { role: 'assistant', content }, state: null, usage: null };
  }

  async destroySandbox(sessionId: string) {
    this.sandboxes.delete(sessionId);
  }

  async statistics() {
    return { activeCount: this.sandboxes.size, warmingCount: 0, maxSandboxes: 3 };
  }

  async close() {
    this.isClosed = true;
  }
}

test('a router may host sandboxes itself; those of its last run are gone, their sessions are not', async () => {
  await using folder = await temporaryDirectory();
  const config = testRouterConfig({ dataDir: folder.path });
  const backend = new EchoBackend();
  const first = await startRouter(config, log, { local: { runnerId: 'local', backend } });
  const session = await new SessionClient(first.url).create();
  expect(session.runnerId).toBe('local');
  await new SessionClient(first.url).ask(session.id, 'hello');
  await first.close();
  expect(backend.isClosed).toBe(true);

  const again = new EchoBackend();
  const second = await startRouter(config, log, { local: { runnerId: 'local', backend: again } });
  const client = new SessionClient(second.url);
  expect((await client.get(session.id)).body).toMatchObject({ status: 'paused', pauseReason: 'runner-left' });
  expect((await client.post(session.id, 'resume')).body.status).toBe('active');
  const events = await (await client.stream(session.id, 'more')).rest();
  expect(events).toMatchObject([{ choices: [{ delta: { content: 'more' } }] }, {}, '[DONE]']);
  await second.close();
});

test('but not beside others on one database', async () => {
  const config = testRouterConfig({ databaseUrl: 'postgres://127.0.0.1:1/x' });
  const started = startRouter(config, log, { local: { runnerId: 'local', backend: new EchoBackend() } });
  await expect(started).rejects.toThrow('--database-url');
});
