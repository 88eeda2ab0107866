import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, openSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bundleDaemon } from '../../lib/bundle-daemon.ts';
import { nodeFlags } from '../../lib/node-flags.ts';
import { identifyProcess, type ProcessIdentity } from '../../runtime/shared/process/process-table.ts';

const root = path.resolve(import.meta.dirname, '../..');

export interface Daemon {
  readonly identity: ProcessIdentity;
  readonly child: ChildProcess;
}

export interface DaemonAddresses {
  readonly engineUrl: string;
  readonly cloudWatchUrl: string;
  readonly runnerPort: number;
}

/** The bundles of runner and log monitor as a worker runs them. */
export function makeBundles(folder: string): void {
  for (const daemon of ['runner', 'log-monitor'] as const) {
    writeFileSync(path.join(folder, `${daemon}.mjs`), bundleDaemon(root, daemon));
  }
  copyFileSync(path.join(root, 'runtime/sandboxes/chat-agent.mjs'), path.join(folder, 'chat-agent.mjs'));
}

/** A runner that has registered, without warm sandboxes: those are processes of their own. */
export function startRunner(folder: string, { engineUrl, runnerPort }: DaemonAddresses): Daemon {
  return start(folder, 'runner', [
    ...['--engine-url', engineUrl, '--router-url', engineUrl, '--port', String(runnerPort)],
    ...['--data-dir', path.join(folder, 'runner'), '--warm-sandboxes', '0'],
  ]);
}

/** A log monitor with everything that a worker's has. */
export function startMonitor(folder: string, addresses: DaemonAddresses, intervalSeconds: number): Daemon {
  return start(
    folder,
    'log-monitor',
    [
      ...['--log-file', path.join(folder, 'engine.log'), '--state-file', path.join(folder, 'state')],
      ...['--engine-url', addresses.engineUrl, '--runner-url', `http://127.0.0.1:${addresses.runnerPort}`],
      ...['--publish', 'mixed', '--asg', 'bench-workers', '--instance-id', 'i-0123456789abcdef0'],
      ...['--emf-file', path.join(folder, 'metrics.emf'), '--interval-seconds', String(intervalSeconds)],
    ],
    {
      AWS_ENDPOINT_URL: addresses.cloudWatchUrl,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'bench',
      AWS_SECRET_ACCESS_KEY: 'bench',
    },
  );
}

function start(
  folder: string,
  daemon: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Daemon {
  const log = openSync(path.join(folder, `${daemon}.log`), 'a');
  const flags = daemon === 'runner' ? nodeFlags.runner : nodeFlags.logMonitor;
  const child = spawn(process.execPath, [...flags, path.join(folder, `${daemon}.mjs`), ...args], {
    stdio: ['ignore', log, log],
    env: { ...process.env, NODE_ENV: 'production', ...env },
  });
  const identity = identifyProcess(child.pid!);
  if (identity === undefined) throw new Error(`The ${daemon} did not start.`);
  return { child, identity };
}
