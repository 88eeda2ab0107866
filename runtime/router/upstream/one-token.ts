import type { EngineCall, EngineClient } from './engine-client.ts';

/**
 * Asks an engine for one token: the only proof that it really works, since health checks and models answer without the
 * GPU. Rejects with what went wrong, or when no answer came in time.
 */
export async function askForOneToken(engine: EngineClient, call: Omit<EngineCall, 'body'>): Promise<void> {
  await engine.call('/generate', {
    ...call,
    body: { text: 'Hello', sampling_params: { max_new_tokens: 1, temperature: 0 } },
  });
}
