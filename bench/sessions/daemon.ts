import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { callJson } from '../../runtime/shared/call-json.ts';
import { nodeCommand, OwnedProcess } from '../../runtime/shared/process/owned-process.ts';
import type { ProcessIdentity } from '../../runtime/shared/process/process-table.ts';

const program = path.join(import.meta.dirname, '../../runtime/cli/main.ts');
const startTimeoutMs = 60_000;

export interface DaemonOptions {
  /** What stands behind `fleet`; the daemon listens on `port`. */
  readonly args: readonly string[];
  readonly port: number;
  readonly logFile: string;
  /** taskset list; undefined leaves it to the scheduler. */
  readonly cores: string | undefined;
  /** Waits until its `GET /health` says so. @default - that it answers */
  readonly isUp?: (health: unknown) => boolean;
}

/** A router or runner as its own process; ends with this one. */
export class Daemon implements AsyncDisposable {
  readonly url: string;
  readonly identity: ProcessIdentity;
  readonly #owned: OwnedProcess;

  /** Resolves once it is up. */
  static async start({ args, port, logFile, cores, isUp = () => true }: DaemonOptions): Promise<Daemon> {
    const { file, args: words, endsWithParent } = nodeCommand(program, [...args, '--port', String(port)]);
    const [first, ...rest] = [...(cores === undefined ? [] : ['taskset', '-c', cores]), file, ...words];
    const owned = new OwnedProcess({ file: first!, args: rest, endsWithParent }, logFile, process.env);
    const daemon = new Daemon(`http://127.0.0.1:${port}`, owned);
    for (const deadline = performance.now() + startTimeoutMs; ; await delay(50)) {
      const health = await callJson(`${daemon.url}/health`, { timeoutMs: 1_000 }).catch(() => undefined);
      if (health !== undefined && isUp(health)) return daemon;
      if (performance.now() < deadline) continue;
      await owned.stop(0);
      throw new Error(`fleet ${args[0]} is not up:\n${readFileSync(logFile, 'utf8').slice(-2_000)}`);
    }
  }

  private constructor(url: string, owned: OwnedProcess) {
    this.url = url;
    this.#owned = owned;
    this.identity = owned.identity!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.stop(5_000);
  }
}
