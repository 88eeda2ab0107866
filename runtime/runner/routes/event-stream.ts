import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { CodedError } from '../../shared/errors.ts';
import type { TurnEvent } from '../../shared/sandbox-protocol.ts';
import { eventStreamType, formatEvent } from '../../shared/sse.ts';
import { fail } from '../errors.ts';

/** Keeps connections that are quiet during a long prefill or a tool's work from being taken for dead. */
const heartbeatMs = 15_000;
const heartbeat = ': heartbeat\n\n';

/** Writes a turn's events as they come; a failure becomes the last event. Resolves when all is written. */
export async function sendTurn(
  response: ServerResponse,
  events: AsyncIterable<TurnEvent>,
  quietMs = heartbeatMs,
): Promise<void> {
  response.writeHead(200, { 'content-type': eventStreamType, 'cache-control': 'no-cache' });
  response.flushHeaders();
  const timer = setInterval(() => response.write(heartbeat), quietMs);
  let isGone = false;
  const gone = once(response, 'close').then(() => {
    isGone = true;
  });
  try {
    for await (const event of events) {
      if (isGone) break;
      timer.refresh();
      const isTaken = response.write(formatEvent(JSON.stringify(event)));
      if (!isTaken) await Promise.race([once(response, 'drain'), gone]);
    }
  } catch (error) {
    const told = error instanceof CodedError ? error : fail('INTERNAL', {}, { cause: error });
    if (!isGone) response.write(formatEvent(JSON.stringify(told.toBody())));
  } finally {
    clearInterval(timer);
    response.end();
  }
}
