import { setTimeout as delay } from 'node:timers/promises';
import type { EngineSettings } from '../../runtime/engine-sim/core/types.ts';
import { RemoteProcess } from '../support/remote-calls.ts';
import type { EngineCall, EngineTotals } from './engines.ts';

const flushTimeoutMs = 20_000;

/** Simulated engines spread over a few processes; they end with this one. */
export class EngineFleet implements Disposable {
  readonly #processes: readonly RemoteProcess<EngineCall>[];

  constructor(processCount: number) {
    const file = new URL('engines.ts', import.meta.url).pathname;
    this.#processes = Array.from({ length: processCount }, () => new RemoteProcess<EngineCall>(file));
  }

  /** New engines with empty caches. @returns their base URLs */
  async start(engineCount: number, settings: EngineSettings, timeScale: number): Promise<string[]> {
    const count = engineCount / this.#processes.length;
    return this.#callAll<string[]>({ kind: 'start', count, settings, timeScale });
  }

  totals(): Promise<EngineTotals[]> {
    return this.#callAll<EngineTotals[]>({ kind: 'totals' });
  }

  /** Empties all caches, once the engines are idle. */
  async flush(): Promise<void> {
    for (const endsAt = performance.now() + flushTimeoutMs; performance.now() < endsAt; await delay(100)) {
      const answers = await Promise.all(this.#processes.map((one) => one.call<boolean>({ kind: 'flush' })));
      if (answers.every((isFlushed) => isFlushed)) return;
    }
    throw new Error(`The engines were not idle within ${flushTimeoutMs} ms after a run.`);
  }

  async #callAll<R extends readonly unknown[]>(call: EngineCall): Promise<R> {
    const answers = await Promise.all(this.#processes.map((one) => one.call<R>(call)));
    return answers.flat() as unknown as R;
  }

  [Symbol.dispose](): void {
    for (const one of this.#processes) one[Symbol.dispose]();
  }
}
