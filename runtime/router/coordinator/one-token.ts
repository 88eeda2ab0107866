import { callJson } from '../../shared/call-json.ts';

/**
 * Asks an engine for one token: the only proof that it really works, since health checks and models answer without the
 * GPU. Rejects with what went wrong, or when no answer came in time.
 */
export async function askForOneToken(url: string, call: { timeoutMs: number; signal?: AbortSignal }): Promise<void> {
  const body = { text: 'Hello', sampling_params: { max_new_tokens: 1, temperature: 0 } };
  await callJson(`${url}/generate`, { ...call, body });
}
