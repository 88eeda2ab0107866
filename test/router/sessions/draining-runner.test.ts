import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { callJson } from '../../../runtime/shared/call-json.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeRunner } from '../../support/fake-runner.ts';
import { startScriptedEngine } from '../../support/scripted-engine.ts';
import { SessionClient } from '../../support/session-client.ts';
import { scriptedAgentFile } from '../../support/started-pool.ts';
import { StartedPostgres } from '../../support/started-postgres.ts';
import { StartedRunner } from '../../support/started-runner.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { startTestRouter } from '../../support/test-router.ts';

test('a session leaves a runner that drains, by a router that the runner never spoke to', async () => {
  await using postgres = await StartedPostgres.start();
  const databaseUrl = await postgres.createDatabase();
  await using told = await startTestRouter({ databaseUrl });
  await using other = await startTestRouter({ databaseUrl });
  await using folder = await temporaryDirectory();
  const agents = path.join(folder.path, 'agents.yaml');
  const scripted = { name: 'scripted', command: [process.execPath, scriptedAgentFile], memoryMb: 0 };
  await writeFile(agents, JSON.stringify({ agents: [scripted] }));
  const start = async (runnerId: string, maxSandboxes: string) => {
    const args = ['--runner-id', runnerId, '--max-sandboxes', maxSandboxes, '--agents', agents];
    return await StartedRunner.start({ routerUrls: [told.url], args });
  };
  await using roomy = await start('roomy', '50');
  await using small = await start('small', '5');
  await Promise.all([roomy.ready(), small.ready()]);
  await eventually(async () => expect((await told.fleet()).workers).toHaveLength(2));
  const client = new SessionClient(other.url);
  const { id, runnerId } = await client.create({ agent: 'scripted' });
  expect(runnerId).toBe('roomy');
  await client.ask(id, 'say before');

  // A request in flight keeps the runner from leaving at once.
  await roomy.setInFlight(1);
  await callJson(`${await roomy.url()}/drain`, { method: 'POST' });
  const refused = await client.ask(id, 'say hello');
  expect([refused.status, refused.body.error.code]).toEqual([409, 'SESSION_PAUSED']);
  expect(refused.body.error.message).toContain(`POST /api/sessions/${id}/resume`);
  expect((await client.get(id)).body).toMatchObject({ status: 'paused', pauseReason: 'runner-left', turns: 1 });
  expect(await roomy.health()).toMatchObject({ status: 'draining', pool: { activeCount: 0 } });

  expect((await client.post(id, 'resume')).body).toMatchObject({ status: 'active', runnerId: 'small' });
  expect((await client.ask(id, 'say hello')).body.choices[0].message.content).toBe('hello');
  expect(await client.transcript(id)).toEqual(['say before', 'before', 'say hello', 'hello']);
  for (const router of [told, other]) {
    expect((await new SessionClient(router.url).create({ agent: 'scripted' })).runnerId).toBe('small');
  }
  expect((await roomy.health()).status).toBe('draining');
});

test('a drain that only the load stream told keeps new sessions away', async () => {
  await using engine = await startScriptedEngine();
  await using router = await startTestRouter();
  await using roomy = await FakeRunner.start('roomy', 50);
  await using small = await FakeRunner.start('small', 5);
  roomy.engineUrl = engine.url;
  roomy.loadReport = { engineState: 'draining', activeCount: 0, warmingCount: 0 };
  for (const runner of [roomy, small]) await runner.register(router.url);
  await eventually(async () => expect((await router.fleet()).workers[0]!.state).toBe('draining'));
  expect((await new SessionClient(router.url).create()).runnerId).toBe('small');
  expect(roomy.calls).not.toContain('POST /sandboxes');
});
