import type { EngineClient } from './engine-client.ts';

/**
 * Tells an engine to stop working on a request. To be called before the request's connection closes: SGLang 0.5.18
 * forgets a stream's request id at the close and then works on for nobody. Never rejects; waits at most `timeoutMs`.
 * @returns whether the engine took it
 */
export async function abortOnEngine(engine: EngineClient, rid: string, timeoutMs = 2_000): Promise<boolean> {
  return engine.call('/abort_request', { body: { rid }, timeoutMs }).then(
    () => true,
    () => false,
  );
}
