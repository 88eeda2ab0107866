import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { RemoteRunnerBackend } from '../../runtime/router/sessions/remote-runner-backend.ts';
import { scriptedAgentFile } from '../support/started-pool.ts';
import { StartedRunner } from '../support/started-runner.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { describeRunnerBackend } from './runner-backend-contract.ts';

describeRunnerBackend('sandboxes on a runner', async ({ engineUrl, maxSandboxes }) => {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await temporaryDirectory());
  const file = path.join(folder.path, 'agents.yaml');
  const agents = [{ name: 'scripted', command: [process.execPath, scriptedAgentFile] }];
  await writeFile(file, JSON.stringify({ agents }));
  const runner = stack.use(
    await StartedRunner.start({
      args: ['--engine-url', engineUrl, '--agents', file, '--max-sandboxes', String(maxSandboxes)],
      env: { FLEET_INTERNAL_SECRET: 'open-sesame' },
    }),
  );
  const port = Number(new URL(await runner.url()).port);
  const backend = new RemoteRunnerBackend({ host: '127.0.0.1', port, secret: 'open-sesame' });
  const kept = stack.move();
  return { backend, [Symbol.asyncDispose]: () => kept.disposeAsync() };
});
