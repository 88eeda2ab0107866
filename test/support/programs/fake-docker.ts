// Stands in for docker: `run` starts the command behind the image as a process of its own, which outlives a client that is
// killed; `stop` and `rm --force` end it by name. State and a log of calls lie in FAKE_DOCKER_DIR.
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const folder = process.env['FAKE_DOCKER_DIR']!;
const [verb, ...args] = process.argv.slice(2);
appendFileSync(path.join(folder, 'calls'), `${JSON.stringify(process.argv.slice(2))}\n`);

const stateFile = (name: string) => path.join(folder, `${name}.pid`);

function livePid(name: string): number | undefined {
  if (!existsSync(stateFile(name))) return undefined;
  const pid = Number(readFileSync(stateFile(name), 'utf8'));
  try {
    // A zombie answers to signal 0 as well.
    return readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ') ? undefined : pid;
  } catch {
    return undefined;
  }
}

async function end(name: string, graceMs: number): Promise<void> {
  const pid = livePid(name);
  if (pid !== undefined && graceMs > 0) process.kill(pid, 'SIGTERM');
  const deadline = performance.now() + graceMs;
  while (livePid(name) !== undefined && performance.now() < deadline) await delay(20);
  if (livePid(name) !== undefined) process.kill(pid!, 'SIGKILL');
  while (livePid(name) !== undefined) await delay(20);
  rmSync(stateFile(name), { force: true });
}

if (verb === 'run') {
  const withValue = new Set(['--gpus', '--network', '--name', '--ipc', '--ulimit', '--env', '--volume']);
  const variables: string[] = [];
  let name = '';
  let at = 0;
  while (args[at]!.startsWith('--')) {
    const option = args[at]!;
    if (option === '--name') name = args[at + 1]!;
    if (option === '--env') variables.push(args[at + 1]!);
    at += withValue.has(option) ? 2 : 1;
  }
  if (livePid(name) !== undefined) {
    console.error(`docker: Error response from daemon: Conflict. The container name "/${name}" is already in use.`);
    process.exit(125);
  }
  const [, , ...command] = args.slice(at);
  const passed = ['PATH', 'FAKE_SGLANG_SCRIPT', ...variables];
  const container = spawn(process.execPath, [path.join(import.meta.dirname, 'fake-sglang.ts'), ...command], {
    detached: true,
    stdio: 'inherit',
    env: Object.fromEntries(passed.map((variable) => [variable, process.env[variable]])),
  });
  writeFileSync(stateFile(name), String(container.pid));
  process.on('SIGTERM', () => container.kill('SIGTERM'));
  container.once('exit', (code, signal) => {
    rmSync(stateFile(name), { force: true });
    process.exit(signal === null ? code! : 137);
  });
} else if (verb === 'stop') {
  await end(args[2]!, Number(args[1]) * 1_000);
} else if (verb === 'rm') {
  await end(args[1]!, 0);
}
