import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach } from '@jest/globals';
import type { PublishedWindow } from '../../runtime/log-monitor/published-window.ts';
import { readEngineMetrics } from '../../runtime/log-monitor/sources/engine-metrics.ts';
import { callJson } from '../../runtime/shared/call-json.ts';
import { findFreePort } from '../../runtime/shared/process/free-port.ts';
import { distinctWindows, MonitorProcess, windowsIn } from './monitor-process.ts';
import { until } from './poll.ts';
import { type StartedProcess, startFleetCommand } from './process.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** For each test of a suite a folder and a port, in which a log monitor watches a simulated engine; what was started ends with the test. */
export class LiveMonitor {
  #folder!: Awaited<ReturnType<typeof temporaryDirectory>>;
  #port = 0;
  readonly #started: AsyncDisposable[] = [];

  constructor() {
    beforeEach(async () => {
      this.#folder = await temporaryDirectory();
      this.#port = await findFreePort('127.0.0.1');
    });
    afterEach(async () => {
      for (const started of this.#started.splice(0).reverse()) await started[Symbol.asyncDispose]();
      await this.#folder[Symbol.asyncDispose]();
    });
  }

  get engineUrl(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** What the monitor printed so far. */
  get output(): string {
    return this.textOf('out.jsonl');
  }

  get windows(): PublishedWindow[] {
    return distinctWindows(windowsIn(this.output));
  }

  pathOf(name: string): string {
    return join(this.#folder.path, name);
  }

  /** Empty while the file does not exist. */
  textOf(name: string): string {
    return existsSync(this.pathOf(name)) ? readFileSync(this.pathOf(name), 'utf8') : '';
  }

  startMonitor(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): MonitorProcess {
    const files = ['--log-file', this.pathOf('engine.log'), '--state-file', this.pathOf('state')];
    const monitor = new MonitorProcess({
      args: [...files, '--interval-seconds', '0.2', ...args],
      outFile: this.pathOf('out.jsonl'),
      logFile: this.pathOf('monitor.log'),
      env,
    });
    this.#started.push(monitor);
    return monitor;
  }

  /** Waits until so many monitors have come up, ready for a signal. */
  async monitorStarts(count: number): Promise<void> {
    await until(`${count} monitors started`, () => {
      return this.textOf('monitor.log').split('"msg":"monitor started"').length > count;
    });
  }

  /** Its first window, which it has saved then, knows that no engine runs: all that one will have counted is new. */
  async monitorWaitsForEngine(): Promise<void> {
    await until('the monitor waits for an engine', () => existsSync(this.pathOf('state')));
  }

  /** Waits for a window that began now, whose end is thus behind everything before. */
  async nextWholeWindow(): Promise<PublishedWindow> {
    const now = Date.now();
    return until('a whole window was published', () => this.windows.find(({ from }) => Date.parse(from) >= now));
  }

  /** Twenty times faster than real time. */
  launchEngine(args: readonly string[] = []): StartedProcess {
    const place = ['--port', String(this.#port), '--log-file', this.pathOf('engine.log')];
    const engine = startFleetCommand(['sim', ...place, '--time-scale', '20', '--max-running-requests', '8', ...args]);
    this.#started.push(engine);
    return engine;
  }

  /** Resolves once it generates. */
  async startEngine(args: readonly string[] = []): Promise<StartedProcess> {
    const engine = this.launchEngine(args);
    const generates = () =>
      this.generate(1).then(
        () => true,
        () => false,
      );
    await until('the engine generates', generates);
    return engine;
  }

  async generate(tokens: number): Promise<void> {
    const sampling_params = { max_new_tokens: tokens, ignore_eos: true };
    const text = `Tell ${tokens} things about ${Math.random()}`;
    await callJson(`${this.engineUrl}/generate`, { body: { text, sampling_params } });
  }

  /** As the engine has counted since it started. */
  async engineCounters() {
    return readEngineMetrics(await (await fetch(`${this.engineUrl}/metrics`)).text())!.totals;
  }
}
