import { setTimeout as delay } from 'node:timers/promises';
import { bearerHeaders } from '../shared/auth.ts';
import { callJson, HttpStatusError } from '../shared/call-json.ts';
import { type FleetView, fleetPath } from '../shared/protocol.ts';
import type { RouterOptions } from './router-options.ts';
import { renderStatus } from './status-view.ts';
import { reportUserErrors, UserError, unreachable } from './user-error.ts';

/** What the command is told. */
export interface StatusCommandOptions extends RouterOptions {
  readonly json?: boolean;
  readonly watch?: boolean;
}

const watchIntervalMs = 2_000;

/** `fleet status`: exit status 1 when there is no router to ask. */
export function runStatus(options: StatusCommandOptions): Promise<void> {
  return reportUserErrors('status', async () => {
    if (options.watch) await watchFleet(options);
    else console.log(formatFleet(await fetchFleet(options), options));
  });
}

/** Prints the fleet until Ctrl-C. A router that goes away is a line of the picture, not the end of it. */
async function watchFleet(options: StatusCommandOptions): Promise<void> {
  const interrupt = new AbortController();
  process.once('SIGINT', () => interrupt.abort());
  while (!interrupt.signal.aborted) {
    const text = await fetchFleet(options).then(
      (view) => formatFleet(view, options),
      (error: unknown) => {
        if (!(error instanceof UserError) || options.json) throw error;
        return error.message;
      },
    );
    // Home and clear: the picture changes in place, and what was on the screen before scrolls away only once.
    console.log(process.stdout.isTTY ? `\x1b[H\x1b[2J${text}` : text);
    await delay(watchIntervalMs, undefined, { signal: interrupt.signal }).catch((error: unknown) => {
      if (!interrupt.signal.aborted) throw error;
    });
  }
}

function formatFleet(view: FleetView, options: StatusCommandOptions): string {
  return options.json ? JSON.stringify(view) : renderStatus(view);
}

/** @throws UserError that says what was asked, where, and what to do */
export async function fetchFleet(router: RouterOptions): Promise<FleetView> {
  const url = router.url + fleetPath;
  let answer: unknown;
  try {
    answer = await callJson(url, { headers: bearerHeaders(router.apiKey) });
  } catch (error) {
    if (error instanceof SyntaxError) throw notRouter(url, 'the answer is not JSON', error);
    if (!(error instanceof HttpStatusError)) throw unreachable(router.url, error);
    if (error.status === 401 || error.status === 403) {
      throw new UserError(`${url} refused the API key (${error.status}). Set FLEET_API_KEY to an admin key.`);
    }
    throw notRouter(url, `status ${error.status}`, error);
  }
  if (!Array.isArray((answer as FleetView | null)?.workers)) throw notRouter(url, 'the answer lists no workers');
  return answer as FleetView;
}

function notRouter(url: string, what: string, cause?: unknown): UserError {
  return new UserError(
    `${url} did not answer like a fleet router (${what}).\n` +
      'Point --url or FLEET_URL at a router of this fleet; with --admin-port, at that port.',
    { cause },
  );
}
