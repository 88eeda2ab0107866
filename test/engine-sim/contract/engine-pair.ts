import { type EngineServer, startEngineServer } from '../../../runtime/engine-sim/server.ts';

/** Two engines with the same weights. */
export interface EnginePair {
  readonly urls: readonly [string, string];
  /** Sends SIGTERM, or what stands for it, to the second engine. */
  terminateSecond(): void;
  close(): Promise<void>;
  readonly isReal: boolean;
}

/**
 * The pair that the contract is checked on: simulated engines, or real ones that somebody started and named as
 * `REAL_ENGINE_URLS=URL,URL` with `REAL_ENGINE_PID` of the second (scripts/test-real-engine.mjs does).
 */
export async function openEnginePair(): Promise<EnginePair> {
  const { REAL_ENGINE_URLS: urls, REAL_ENGINE_PID: pid } = process.env;
  if (urls !== undefined) {
    const [first, second] = urls.split(',');
    return {
      urls: [first!, second!],
      // To the parent only: its children would end without draining.
      terminateSecond: () => void process.kill(Number(pid), 'SIGTERM'),
      close: async () => {},
      isReal: true,
    };
  }
  const options = { timeScale: 10, modelName: 'tiny', contextLength: 8_192, meanOutputTokens: 0 };
  const engines: [EngineServer, EngineServer] = [await startEngineServer(options), await startEngineServer(options)];
  await Promise.all(engines.map((engine) => engine.ready));
  return {
    urls: [engines[0].url, engines[1].url],
    terminateSecond: () => void engines[1].drain(),
    close: async () => {
      await Promise.all(engines.map((engine) => engine.close()));
    },
    isReal: false,
  };
}
