import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { fill } from '../../shared/errors.ts';
import { describeEnd, OwnedProcess } from '../../shared/process/owned-process.ts';
import type { RunLock } from '../../shared/process/run-lock.ts';
import { engineEnvironment } from '../engine/engine-environment.ts';

export interface PrepareCommandOptions {
  /** For /bin/sh; `{model}` is filled in. */
  readonly command: string;
  readonly model: string | undefined;
  readonly logDir: string;
  readonly lock: Pick<RunLock, 'add' | 'remove'>;
  /** Ends it with everything that it started. */
  readonly signal: AbortSignal;
}

/**
 * Runs the command that prepares a machine for a later start; its output goes to `prepare.log`.
 * @returns why it failed, undefined when it did not
 * @throws the signal's reason
 */
export async function runPrepareCommand(options: PrepareCommandOptions): Promise<string | undefined> {
  const { command, model, logDir, lock, signal } = options;
  signal.throwIfAborted();
  mkdirSync(logDir, { recursive: true });
  const text = fill(command, { model: model ?? '' });
  const launched = new OwnedProcess(
    { file: '/bin/sh', args: ['-c', text], endsWithParent: false },
    path.join(logDir, 'prepare.log'),
    engineEnvironment(process.env),
  );
  const { identity } = launched;
  if (identity) lock.add('preparation', identity.pid);
  const kill = () => launched.kill();
  signal.addEventListener('abort', kill);
  process.once('exit', kill);
  try {
    const end = await launched.ended;
    signal.throwIfAborted();
    return end.code === 0 ? undefined : describeEnd(end);
  } finally {
    signal.removeEventListener('abort', kill);
    process.off('exit', kill);
    launched.kill();
    if (identity) lock.remove(identity.pid);
  }
}
