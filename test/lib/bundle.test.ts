import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { bundleDaemon, type Daemon } from '../../lib/bundle-daemon.ts';
import { RemoteRunnerBackend } from '../../runtime/router/sessions/remote-runner-backend.ts';
import { repositoryRoot } from '../support/fleet-templates.ts';
import { startProgram } from '../support/process.ts';
import { startScriptedServer } from '../support/scripted-openai-server.ts';
import { readTurn } from '../support/started-pool.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const daemons: Daemon[] = ['router', 'runner', 'log-monitor'];
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** What this clone makes of each daemon. */
const bundles = new Map(daemons.map((daemon) => [daemon, bundleDaemon(repositoryRoot, daemon)]));

/** A second clone, in a folder of another name and depth. */
async function copyOfSources(parent: string, name: string): Promise<string> {
  const root = path.join(parent, name);
  await mkdir(root, { recursive: true });
  await cp(path.join(repositoryRoot, 'runtime'), path.join(root, 'runtime'), { recursive: true });
  for (const file of ['package.json', 'tsconfig.json'])
    await cp(path.join(repositoryRoot, file), path.join(root, file));
  await symlink(path.join(repositoryRoot, 'node_modules'), path.join(root, 'node_modules'));
  return root;
}

test.each(daemons)('two clones bundle the same bytes of the %s', async (daemon) => {
  await using folder = await temporaryDirectory();
  const other = await copyOfSources(folder.path, 'deeper/two');
  expect(digest(bundleDaemon(other, daemon))).toBe(digest(bundles.get(daemon)!));
});

test.each(daemons)('the bundled %s runs in a folder that has nothing else', async (daemon) => {
  await using folder = await temporaryDirectory();
  await writeFile(path.join(folder.path, 'daemon.mjs'), bundles.get(daemon)!);
  const node = path.join(repositoryRoot, 'node_modules/.bin/node');
  const { stdout } = await promisify(execFile)(node, ['daemon.mjs', '--help'], { cwd: folder.path });
  expect(stdout).toMatch(/^Usage: /);
});

test('the bundled runner starts the built-in agent that lies beside it', async () => {
  await using folder = await temporaryDirectory();
  const program = path.join(folder.path, 'runner.mjs');
  await writeFile(program, bundles.get('runner')!);
  await cp(path.join(repositoryRoot, 'runtime/sandboxes/chat-agent.mjs'), path.join(folder.path, 'chat-agent.mjs'));
  await using engine = await startScriptedServer();
  const args = ['--port', '0', '--engine-url', engine.url, '--data-dir', path.join(folder.path, 'data')];
  await using runner = startProgram(program, args);
  const [, port] = await runner.waitForLine(/"msg":"runner listening".*"port":(\d+)/);
  const backend = new RemoteRunnerBackend({ host: '127.0.0.1', port: Number(port), secret: undefined });
  await backend.createSandbox({ sessionId: 's', agent: 'chat' });
  const { done } = await readTurn(backend.sendMessage('s', { turnId: 't', content: 'Hello' }));
  expect(done.message.content).toBe('hello there');
  await backend.close();
});
