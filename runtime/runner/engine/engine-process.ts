import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { identifyProcess, type ProcessIdentity } from '../../shared/process/process-table.ts';
import { endTree, killTree } from '../../shared/process/process-tree.ts';
import type { EngineEnd } from './engine.ts';
import type { EngineCommand } from './engine-command.ts';

/** One launched engine process. It leads its own process group, by which its children are found after its death. */
export class EngineProcess {
  /** Undefined when it could not be started. */
  readonly identity: ProcessIdentity | undefined;
  /** Resolves when the process itself has ended; its children may live on until `clear`. */
  readonly ended: Promise<EngineEnd>;

  /** @param logFile stdout and stderr are appended here by the process itself, so that they outlive the runner. */
  constructor(command: EngineCommand, logFile: string) {
    const output = openSync(logFile, 'a');
    try {
      const child = spawn(command.file, command.args, {
        detached: true,
        stdio: ['ignore', output, output, ...(command.endsWithParent ? (['ipc'] as const) : [])],
        env: engineEnvironment(process.env),
      });
      child.channel?.unref();
      this.identity = child.pid === undefined ? undefined : identifyProcess(child.pid);
      this.ended = endOf(child);
    } finally {
      closeSync(output);
    }
  }

  /** SIGTERM to the process alone, SIGKILL to its whole tree after `graceMs`; resolves when nothing of it is left. */
  async stop(graceMs: number): Promise<void> {
    if (this.identity) await endTree(this.identity, graceMs);
  }

  /** Kills the process and whatever it started, also what survived its death: children may hold GPU memory and ports. */
  kill(): void {
    if (this.identity) killTree(this.identity);
  }
}

/** The fleet's secret is not the engine's business; Python holds its output back unless told otherwise. */
function engineEnvironment(own: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { FLEET_INTERNAL_SECRET: _, FLEET_API_KEYS: __, ...environment } = own;
  return { PYTHONUNBUFFERED: '1', ...environment };
}

function endOf(child: ChildProcess): Promise<EngineEnd> {
  return new Promise((resolve) => {
    const at = () => new Date().toISOString();
    child.once('error', (error) => resolve({ code: null, signal: null, reason: error.message, at: at() }));
    child.once('exit', (code, signal) => resolve({ code, signal, reason: null, at: at() }));
  });
}
