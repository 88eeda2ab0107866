import path from 'node:path';
import { findFreePort } from '../../runtime/shared/process/free-port.ts';
import { type StartedProcess, startProgram } from '../support/process.ts';
import { RouterStandIn } from '../support/router-stand-in.ts';
import { StartedRunner } from '../support/started-runner.ts';

const fakeEngine = path.join(import.meta.dirname, '../support/programs/fake-engine.ts');

async function startEngine(port: number): Promise<StartedProcess> {
  const engine = startProgram(fakeEngine, ['--port', String(port)]);
  await engine.waitForLine(/listening/);
  return engine;
}

test('an engine that somebody else launched is watched, reported, and left alone at the end', async () => {
  const port = await findFreePort('127.0.0.1');
  const url = `http://127.0.0.1:${port}`;
  await using router = await RouterStandIn.start();
  await using runner = await StartedRunner.start({
    routerUrls: [router.url],
    args: ['--engine', 'external', '--engine-url', url, '--time-scale', '20'],
  });
  {
    await using _engine = await startEngine(port);
    const { body } = await router.waitFor('a registration', (call) => call.kind === 'register');
    expect(body).toMatchObject({ engineUrl: url, model: 'fake-model' });
  }
  await router.waitFor('the engine down', (call) => call.body.engineState === 'down');
  const since = router.calls.length;
  await using engine = await startEngine(port);
  await router.waitFor('the engine ready again', (call) => call.body.engineState === 'ready', since);

  runner.process.signal('SIGTERM');
  expect(await runner.process.waitForExit()).toMatchObject({ code: 0 });
  expect(engine.hasEnded).toBe(false);
  expect((await fetch(`${url}/health`)).status).toBe(200);
});
