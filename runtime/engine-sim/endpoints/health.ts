import { submitOneTokenPass } from '../engine/one-token-pass.ts';
import type { Exchange } from '../http/exchange.ts';
import { randomId } from '../http/random-id.ts';
import type { ServerState } from '../server-state.ts';

const pollMs = 1_000;
const timeoutMs = 20_000;

/**
 * GET /health and /health_generate. A healthy answer takes a second: the server submits a request of one token, unless
 * it is at work anyway, and looks once a second whether the engine has produced anything since.
 */
export function health(exchange: Exchange, server: ServerState): void {
  const { engine, clock, log } = server;
  if (server.phase === 'draining') log.line('Health check request received during shutdown. Returning 503.');
  if (server.phase !== 'up') {
    exchange.send(503, '');
    return;
  }
  const askedAt = clock.now();
  if (!engine.isBusy) submitOneTokenPass(engine, `HEALTH_CHECK_${randomId()}`);
  let timer = clock.schedule(pollMs, look);
  exchange.onDisconnect(() => timer.cancel());

  function look(): void {
    if (engine.lastOutputAt > askedAt) {
      exchange.send(200, '');
    } else if (clock.now() - askedAt >= timeoutMs) {
      log.line(
        `Health check failed. Server couldn't get a response from detokenizer for last ${timeoutMs / 1_000} seconds.`,
      );
      exchange.send(503, '');
    } else {
      timer = clock.schedule(pollMs, look);
    }
  }
}
