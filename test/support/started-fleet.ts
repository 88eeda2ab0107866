import type { RunnerHealth } from '../../runtime/runner/server.ts';
import { callJson } from '../../runtime/shared/call-json.ts';
import { isRunning, type ProcessIdentity, readProcessTable } from '../../runtime/shared/process/process-table.ts';
import { killTree, processTree } from '../../runtime/shared/process/process-tree.ts';
import { until } from './poll.ts';
import { type StartedProcess, startFleetCommand } from './process.ts';
import { temporaryDirectory } from './temporary-directory.ts';

export interface StartedFleetOptions {
  /** @default 1 */
  readonly workers?: number;
  readonly args?: readonly string[];
  /** @default - a new folder, removed at the end */
  readonly dataDir?: string;
}

/** `fleet up` as a real process with everything that it starts, on free ports. Disposal kills the whole tree. */
export class StartedFleet implements AsyncDisposable {
  readonly process: StartedProcess;
  readonly dataDir: string;
  /** Where the router answers. */
  readonly url: string;
  readonly #cleanUp: AsyncDisposableStack;

  /** Resolves once the fleet says that it serves. */
  static async start(options: StartedFleetOptions = {}): Promise<StartedFleet> {
    await using stack = new AsyncDisposableStack();
    const dataDir = options.dataDir ?? stack.use(await temporaryDirectory()).path;
    const workers = ['--workers', String(options.workers ?? 1)];
    const args = options.args ?? workers;
    const fleet = stack.use(startFleetCommand(['up', '--port', '0', '--data-dir', dataDir, ...args]));
    const [, url] = await fleet.waitForLine(/^ +router +(http:\S+)\/v1 /);
    await fleet.waitForLine(/^Ctrl-C drains/);
    return new StartedFleet(fleet, dataDir, url!, stack.move());
  }

  private constructor(fleet: StartedProcess, dataDir: string, url: string, cleanUp: AsyncDisposableStack) {
    this.process = fleet;
    this.dataDir = dataDir;
    this.url = url;
    this.#cleanUp = cleanUp;
  }

  /** Every process of the fleet as it is now, `fleet up` itself included. */
  processes(): ProcessIdentity[] {
    return processesOf(this.process.pid);
  }

  /** What a worker's runner says. @param number counted from 1 */
  async workerHealth(number: number): Promise<RunnerHealth> {
    const [, url] = this.process.output.match(new RegExp(`worker-${number} +engine \\S+ +runner (\\S+)`))!;
    return (await callJson(`${url}/health`)) as RunnerHealth;
  }

  /** Sends one chat request; the answer's status and text. */
  async complete(maxTokens = 4): Promise<{ status: number; text: string }> {
    const response = await this.openChat(maxTokens, false);
    const text = await response.text();
    return { status: response.status, text: JSON.parse(text).choices?.[0]?.message?.content ?? text };
  }

  async openChat(maxTokens: number, stream: boolean): Promise<Response> {
    return await fetch(`${this.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        model: 'any',
        messages: [{ role: 'user', content: 'Hello' }],
        max_tokens: maxTokens,
        ignore_eos: true,
        stream,
      }),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanUp[Symbol.asyncDispose]();
  }
}

/** A running process and everything that it started. */
export function processesOf(pid: number): ProcessIdentity[] {
  const table = readProcessTable();
  const root = table.find((row) => row.pid === pid);
  const members = new Set(root && processTree(root, table));
  return table.filter((row) => members.has(row.pid));
}

/** Waits until none of the processes runs, and kills them when that is in vain. */
export async function untilGone(processes: readonly ProcessIdentity[]): Promise<void> {
  try {
    await until('every process was gone', () => !processes.some(isRunning));
  } catch (error) {
    const left = processes.filter(isRunning);
    for (const identity of left) killTree(identity);
    throw new Error(`Left running: ${left.map(({ pid }) => pid).join(', ')}.`, { cause: error });
  }
}
