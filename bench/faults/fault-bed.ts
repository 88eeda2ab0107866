import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { callJson } from '../../runtime/shared/call-json.ts';
import { findFreePorts } from '../../runtime/shared/process/free-port.ts';
import { nodeCommand, OwnedProcess } from '../../runtime/shared/process/owned-process.ts';
import type { Peer } from '../peers/peer.ts';
import { type RunningPeer, startPeer } from '../peers/start-peer.ts';
import { RemoteProcess } from '../support/remote-calls.ts';
import { ask } from './ask.ts';
import type { EngineBehaviour, FaultEngineCall, SeenByEngine } from './engine.ts';

const startTimeoutMs = 60_000;

/** One engine process of which faults are asked. */
export class FaultEngine {
  readonly port: number;
  readonly url: string;
  #process: RemoteProcess<FaultEngineCall>;

  constructor(port: number) {
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.#process = this.#spawn();
  }

  #spawn(): RemoteProcess<FaultEngineCall> {
    return new RemoteProcess(path.join(import.meta.dirname, 'engine.ts'), [String(this.port)]);
  }

  async isListening(): Promise<void> {
    await this.#process.call({ kind: 'port' });
  }

  async behave(behaviour: Partial<EngineBehaviour>): Promise<void> {
    const usual = { hangs: false, firstByteMs: 50, events: 20, eventIntervalMs: 50 };
    await this.#process.call({ kind: 'behave', behaviour: { ...usual, ...behaviour } });
  }

  seen(): Promise<SeenByEngine> {
    return this.#process.call<SeenByEngine>({ kind: 'seen' });
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    await this.#process.kill();
  }

  /** Starts it again on its port; resolves when it listens. */
  async restart(): Promise<void> {
    this.#process = this.#spawn();
    await this.isListening();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}

/** Everything of one scenario; it all ends with it. */
export class FaultBed implements AsyncDisposable {
  readonly #parts = new AsyncDisposableStack();
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'bench-faults-'));

  async startEngines(count: number): Promise<FaultEngine[]> {
    const engines = (await findFreePorts(count, '127.0.0.1')).map((port) => this.#parts.use(new FaultEngine(port)));
    await Promise.all(engines.map((engine) => engine.isListening()));
    return engines;
  }

  /** Engine simulators. @returns their base URLs */
  async startSimulators(count: number): Promise<string[]> {
    const ports = await findFreePorts(count, '127.0.0.1');
    const program = path.join(import.meta.dirname, '../../runtime/cli/main.ts');
    for (const port of ports) {
      const args = ['sim', '--port', String(port), '--served-model-name', 'bench', '--skip-server-warmup'];
      const owned = new OwnedProcess(nodeCommand(program, args), `${this.#folder}/sim-${port}.log`, process.env);
      this.#parts.defer(async () => owned.kill());
    }
    const urls = ports.map((port) => `http://127.0.0.1:${port}`);
    await Promise.all(urls.map((url) => untilItWorks(() => callJson(`${url}/v1/models`, { timeoutMs: 1_000 }))));
    return urls;
  }

  /** Starts the router and waits until it has answered a request. */
  async startRouter(peer: Peer, engineUrls: readonly string[]): Promise<RunningPeer> {
    const router = await startPeer(peer, { engineUrls, folder: `${this.#folder}/router`, cores: undefined });
    this.#parts.defer(() => router.stop());
    const body = { model: 'bench', messages: [{ role: 'user', content: 'hello' }], max_tokens: 1 };
    const answered = untilItWorks(async () => {
      const { end, detail } = await ask({ port: router.port, body });
      if (end !== 'answered') throw new Error(detail);
    });
    await router.whileRunning(answered);
    return router;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Repeats `attempt` until it succeeds; throws its last error when it never does. */
async function untilItWorks(attempt: () => Promise<unknown>): Promise<void> {
  const deadlineMs = performance.now() + startTimeoutMs;
  for (;;) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (performance.now() > deadlineMs) throw error;
      await delay(50);
    }
  }
}
