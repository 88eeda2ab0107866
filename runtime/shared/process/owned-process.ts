import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import path from 'node:path';
import { identifyProcess, type ProcessIdentity } from './process-table.ts';
import { endTree, killTree } from './process-tree.ts';

export interface ProcessCommand {
  readonly file: string;
  readonly args: readonly string[];
  /** The program ends by itself when the IPC channel to this process closes; see `nodeCommand`. */
  readonly endsWithParent: boolean;
}

/** How a process came to its end. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why it could not be started at all, or why its owner ended it. */
  readonly reason: string | null;
  /** ISO 8601. */
  readonly at: string;
}

/** A process that somebody answers for. */
export interface RunningProcess {
  /** Undefined when it could not be started. */
  readonly identity: ProcessIdentity | undefined;
  readonly ended: Promise<ProcessEnd>;
  stop(graceMs: number): Promise<void>;
  kill(): void;
}

const preloads = ['end-with-parent.ts', 'keep-compile-cache.ts'].flatMap((file) => [
  '--import',
  path.join(import.meta.dirname, file),
]);

/** Runs a program of this repository with this very Node, never longer than its parent lives. */
export function nodeCommand(program: string, args: readonly string[]): ProcessCommand {
  return { file: process.execPath, args: [...preloads, program, ...args], endsWithParent: true };
}

/**
 * A child process whose owner answers for everything that it starts. It leads its own process group: a terminal's
 * Ctrl-C does not reach it past its owner, and its children are found by the group after its death.
 */
export class OwnedProcess implements RunningProcess {
  /** Undefined when it could not be started. */
  readonly identity: ProcessIdentity | undefined;
  /** Resolves when the process itself has ended; its children may live on until `kill`. */
  readonly ended: Promise<ProcessEnd>;

  /**
   * @param logFile stdout and stderr are appended here by the process itself, so that they outlive the owner
   * @param env the whole environment of the process
   */
  constructor(command: ProcessCommand, logFile: string, env: NodeJS.ProcessEnv) {
    const output = openSync(logFile, 'a');
    try {
      const child = spawn(command.file, command.args, {
        detached: true,
        stdio: ['ignore', output, output, ...(command.endsWithParent ? (['ipc'] as const) : [])],
        env,
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

function endOf(child: ChildProcess): Promise<ProcessEnd> {
  return new Promise((resolve) => {
    const at = () => new Date().toISOString();
    child.once('error', (error) => resolve({ code: null, signal: null, reason: error.message, at: at() }));
    child.once('exit', (code, signal) => resolve({ code, signal, reason: null, at: at() }));
  });
}

/** The end in words, e.g. "ended with status 1". */
export function describeEnd({ code, signal, reason }: ProcessEnd): string {
  if (reason !== null) return reason;
  return signal === null ? `ended with status ${code}` : `was ended by ${signal}`;
}
