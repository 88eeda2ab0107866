import { setTimeout as delay } from 'node:timers/promises';
import { bearerHeaders } from '../../shared/auth.ts';
import { callJson } from '../../shared/call-json.ts';
import { type FleetView, fleetPath } from '../../shared/protocol.ts';
import { UserError } from '../user-error.ts';

const pollMs = 50;

/**
 * Resolves with the first view of the fleet that `isWanted` accepts, or with the last one seen when `deadlineMs` is over.
 * @throws UserError when the router never answered; the signal's reason
 */
export async function waitForFleetView(
  routerUrl: string,
  isWanted: (view: FleetView) => boolean,
  { deadlineMs, secret, signal }: { deadlineMs: number; secret: string | undefined; signal: AbortSignal },
): Promise<FleetView> {
  const deadline = performance.now() + deadlineMs;
  let last: FleetView | undefined;
  for (;;) {
    const call = { signal, headers: bearerHeaders(secret), timeoutMs: 2_000 };
    const answer = await callJson(`${routerUrl}${fleetPath}`, call).catch(() => undefined);
    signal.throwIfAborted();
    last = (answer as FleetView | undefined) ?? last;
    if (last && isWanted(last)) return last;
    if (performance.now() >= deadline) {
      if (last) return last;
      throw new UserError(`the router did not answer on ${routerUrl} within ${Math.round(deadlineMs / 1_000)} s.`);
    }
    await delay(pollMs, undefined, { signal });
  }
}
