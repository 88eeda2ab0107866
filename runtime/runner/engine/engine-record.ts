import { createHash } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isRunning, type ProcessIdentity } from '../../shared/process/process-table.ts';
import type { RunnerOptions } from '../options.ts';
import { engineCommand } from './engine-command.ts';
import { engineEnvironment } from './engine-environment.ts';

/** An engine that an earlier run of this runner launched and that still runs. */
export interface LeftoverEngine {
  readonly identity: ProcessIdentity;
  readonly port: number;
}

interface EngineRecord extends LeftoverEngine {
  /** Of the command line: another one means another engine. */
  readonly fingerprint: string;
}

const fileName = 'engine.json';

/** Takes down which engine runs, for a run of the runner that finds it. */
export function recordEngine(options: RunnerOptions, { identity, port }: LeftoverEngine): void {
  const { pid, startedAt } = identity;
  const record: EngineRecord = { identity: { pid, startedAt }, port, fingerprint: fingerprintOf(options, port) };
  const file = path.join(options.dataDir, fileName);
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(record), { mode: 0o600 });
  renameSync(draft, file);
}

/**
 * The engine of an earlier run, when the present options would launch the same one: it has its weights loaded, requests
 * may be running on it, and it is as good as a new one. Undefined when it is to be ended instead.
 */
export function findLeftoverEngine(options: RunnerOptions): LeftoverEngine | undefined {
  try {
    const record = JSON.parse(readFileSync(path.join(options.dataDir, fileName), 'utf8')) as EngineRecord;
    const { identity, port, fingerprint } = record;
    const { port: wantedPort } = options.engine;
    const wanted = fingerprintOf(options, port);
    const isSame = (wantedPort === 0 || wantedPort === port) && fingerprint === wanted && wanted !== '';
    return isSame && isRunning(identity) ? { identity, port } : undefined;
  } catch {
    // No engine yet, or options that cannot launch any, which whoever launches reports.
    return undefined;
  }
}

/** Empty for an engine that ends with its runner: it is ending already. */
function fingerprintOf({ engine, listenHost, timeScale }: RunnerOptions, port: number): string {
  if (engine.kind === 'external') return '';
  const environment = engineEnvironment(process.env);
  const command = engineCommand(engine, { host: listenHost, port }, timeScale, environment);
  if (command.endsWithParent) return '';
  return createHash('sha256')
    .update(JSON.stringify([command.file, command.args]))
    .digest('hex');
}
