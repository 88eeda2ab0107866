import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { RunnerHealth } from '../../runner/server.ts';
import { callJson } from '../../shared/call-json.ts';
import { findFreePort } from '../../shared/process/free-port.ts';
import { describeEnd, nodeCommand, OwnedProcess } from '../../shared/process/owned-process.ts';
import { lastLines } from '../up/log-tail.ts';
import { UserError } from '../user-error.ts';
import type { RunnerAddress } from './sandbox-client.ts';

const cliProgram = path.join(import.meta.dirname, '../main.ts');
const startDeadlineMs = 30_000;
const stopGraceMs = 10_000;
/** Fast enough that an engine's time hides nothing of what sandboxes cost. */
const engineTimeScale = 20;

/** A runner for one measurement: its own folder, a simulated engine, no router. Disposal leaves nothing of it. */
export class OwnRunner implements AsyncDisposable {
  readonly address: RunnerAddress;
  readonly #process: OwnedProcess;
  readonly #folder: string;

  /** @param memoryMb limit of each sandbox, null for none @throws UserError when it does not start */
  static async start(memoryMb: number | null, maxSessions: number, signal: AbortSignal): Promise<OwnRunner> {
    const folder = await mkdtemp(path.join(tmpdir(), 'fleet-capacity-'));
    const port = await findFreePort('127.0.0.1');
    const args = [
      'runner',
      ...['--machine', 'none'],
      ...['--port', String(port), '--engine', 'simulator', '--engine-port', '0', '--data-dir', folder],
      ...['--max-sandboxes', String(maxSessions), '--warm-sandboxes', '0', '--drain-seconds', '1'],
      ...['--sandbox-memory-mb', String(memoryMb ?? 0), '--time-scale', String(engineTimeScale)],
    ];
    const logFile = path.join(folder, 'runner.log');
    const { FLEET_INTERNAL_SECRET: _, SGLANG_ROUTER_URL: __, ...environment } = process.env;
    const launched = new OwnedProcess(nodeCommand(cliProgram, args), logFile, environment);
    const url = `http://127.0.0.1:${port}`;
    const runner = new OwnRunner(launched, folder, { url, secret: undefined, process: launched.identity });
    try {
      await runner.#untilReady(logFile, signal);
      return runner;
    } catch (error) {
      await runner[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(launched: OwnedProcess, folder: string, address: RunnerAddress) {
    this.#process = launched;
    this.#folder = folder;
    this.address = address;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.stop(stopGraceMs);
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async #untilReady(logFile: string, signal: AbortSignal): Promise<void> {
    const deadline = performance.now() + startDeadlineMs;
    let ended: string | undefined;
    void this.#process.ended.then((end) => {
      ended = describeEnd(end);
    });
    for (;;) {
      const health = (await callJson(`${this.address.url}/health`, { signal }).catch(() => undefined)) as
        | RunnerHealth
        | undefined;
      signal.throwIfAborted();
      if (health?.engine.state === 'ready') return;
      if (ended !== undefined || performance.now() > deadline) {
        throw new UserError(`the runner ${ended ?? 'was not ready in time'}:\n${lastLines(logFile, 5).join('\n')}`);
      }
      await delay(50, undefined, { signal });
    }
  }
}
