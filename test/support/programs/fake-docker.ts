// Stands in for docker: `run` starts the command behind the image as a process that is no descendant of its client and outlives
// one that is killed; `stop` and `rm --force` end it by name. State and a log of calls lie in FAKE_DOCKER_DIR.
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const folder = process.env['FAKE_DOCKER_DIR']!;
const [verb, ...args] = process.argv.slice(2);
if (verb !== 'hold') appendFileSync(path.join(folder, 'calls'), `${JSON.stringify(process.argv.slice(2))}\n`);

const stateFile = (name: string) => path.join(folder, `${name}.pid`);
const endFile = (name: string) => path.join(folder, `${name}.end`);

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
  const passed = ['PATH', 'FAKE_SGLANG_SCRIPT', ...variables];
  rmSync(endFile(name), { force: true });
  // The shell ends at once, so that the container's parent is process 1, as if a daemon had started it.
  const container = ['-c', '"$@" &', 'sh', process.execPath, import.meta.filename, 'hold', name, ...args.slice(at + 1)];
  spawn('/bin/sh', container, {
    detached: true,
    stdio: 'inherit',
    env: {
      FAKE_DOCKER_DIR: folder,
      ...Object.fromEntries(passed.map((variable) => [variable, process.env[variable]])),
    },
  });
  process.on('SIGTERM', () => {
    const pid = livePid(name);
    if (pid !== undefined) process.kill(pid, 'SIGTERM');
  });
  while (!existsSync(endFile(name))) await delay(20);
  process.exit(Number(readFileSync(endFile(name), 'utf8')));
} else if (verb === 'hold') {
  const [name, , ...command] = args as [string, string, ...string[]];
  const program = path.join(import.meta.dirname, 'fake-sglang.ts');
  const container = spawn(process.execPath, [program, ...command], { stdio: 'inherit' });
  writeFileSync(stateFile(name), String(container.pid));
  container.once('exit', (code, signal) => {
    rmSync(stateFile(name), { force: true });
    writeFileSync(`${endFile(name)}.new`, String(signal === null ? code : 137));
    renameSync(`${endFile(name)}.new`, endFile(name));
  });
} else if (verb === 'stop') {
  await end(args[2]!, Number(args[1]) * 1_000);
} else if (verb === 'rm') {
  await end(args[1]!, 0);
}
