import type { RunnerHealth } from '../../runner/server.ts';
import { bearerHeaders } from '../../shared/auth.ts';
import { callJson } from '../../shared/call-json.ts';
import { describeError } from '../../shared/errors.ts';
import type { ProcessIdentity } from '../../shared/process/process-table.ts';
import { sandboxesPath, sandboxMessagesPath, sandboxPath } from '../../shared/sandbox-protocol.ts';
import { UserError } from '../user-error.ts';

export interface RunnerAddress {
  readonly url: string;
  readonly secret: string | undefined;
  /** Known when it is one of this command's own. */
  readonly process: ProcessIdentity | undefined;
}

const callTimeoutMs = 60_000;

/** Sandboxes that the runner would still take. @throws UserError when nothing answers */
export async function freePlaces({ url }: RunnerAddress): Promise<number> {
  try {
    const { pool } = (await callJson(`${url}/health`)) as RunnerHealth;
    return pool.maxSandboxes - pool.activeCount;
  } catch (error) {
    throw new UserError(`no runner answers at ${url} (${describeError(error)}).`, { cause: error });
  }
}

/** Makes a sandbox of the built-in agent. @throws as callJson */
export async function createSandbox({ url, secret }: RunnerAddress, sessionId: string): Promise<void> {
  await callJson(`${url}${sandboxesPath}`, {
    body: { sessionId, agent: 'chat' },
    headers: bearerHeaders(secret),
    timeoutMs: callTimeoutMs,
  });
}

/** @throws as callJson */
export async function destroySandbox({ url, secret }: RunnerAddress, sessionId: string): Promise<void> {
  const headers = bearerHeaders(secret);
  await callJson(`${url}${sandboxPath(sessionId)}`, { method: 'DELETE', headers, timeoutMs: callTimeoutMs });
}

/** Runs one turn to its end. @returns ms until its first event @throws when it fails or `signal` aborts */
export async function runTurn(
  { url, secret }: RunnerAddress,
  sessionId: string,
  turnId: string,
  signal: AbortSignal,
): Promise<number> {
  const startedAt = performance.now();
  let firstEventMs: number | undefined;
  const response = await fetch(`${url}${sandboxMessagesPath(sessionId)}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...bearerHeaders(secret) },
    body: JSON.stringify({
      turnId,
      content: 'Tell me one more thing that is worth knowing about sandboxes, in a sentence.',
    }),
    signal,
  });
  let text = '';
  for await (const bytes of response.body!) {
    firstEventMs ??= performance.now() - startedAt;
    // Only the end is looked at: it says whether this was a whole turn.
    text = (text + Buffer.from(bytes).toString()).slice(-100_000);
  }
  if (!text.includes('"object":"fleet.turn"')) throw new Error(`a turn failed: ${text.slice(-300)}`);
  return firstEventMs!;
}
