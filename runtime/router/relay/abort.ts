import { callJson } from '../../shared/call-json.ts';

/**
 * Tells an engine to stop working on a request. To be called before the request's connection closes: SGLang 0.5.18
 * forgets a stream's request id at the close and then works on for nobody. Never rejects; waits at most `timeoutMs`.
 * @returns whether the engine took it
 */
export async function abortOnEngine(url: string, rid: string, timeoutMs = 2_000): Promise<boolean> {
  try {
    await callJson(`${url}/abort_request`, { body: { rid }, timeoutMs });
    return true;
  } catch (error) {
    // Some versions answer 200 with no JSON; the request was taken all the same.
    return error instanceof SyntaxError;
  }
}
