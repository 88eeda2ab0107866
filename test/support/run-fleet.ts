import { spawn } from 'node:child_process';
import path from 'node:path';
import { text } from 'node:stream/consumers';

const main = path.join(import.meta.dirname, '../../runtime/cli/main.ts');

export interface FleetRun {
  /** Exit status, null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface FleetRunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Written to stdin, which is then closed. @default '' */
  readonly input?: string;
  /** Past this the process is killed. @default 20000 */
  readonly deadlineMs?: number;
}

/** Runs `fleet ARGUMENTS` as a real process to its end. */
export async function runFleet(args: readonly string[], options: FleetRunOptions = {}): Promise<FleetRun> {
  const env: NodeJS.ProcessEnv = { ...process.env, ...options.env };
  // Jest sets these for itself; the command must see what a user's shell would give it.
  for (const name of ['NODE_OPTIONS', 'NODE_ENV', 'JEST_WORKER_ID', 'FORCE_COLOR']) delete env[name];
  const child = spawn(process.execPath, [main, ...args], {
    env,
    stdio: 'pipe',
    timeout: options.deadlineMs ?? 20_000,
    killSignal: 'SIGKILL',
  });
  child.stdin.end(options.input ?? '');
  const { promise: code, resolve, reject } = Promise.withResolvers<number | null>();
  child.on('error', reject);
  child.on('close', resolve);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await code, stdout, stderr };
}
