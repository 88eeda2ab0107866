import type { ServerState } from './server-state.ts';

/** How often SGLang looks for the signal, and then for the end of the last request. */
const watchdogMs = 5_000;
/** What its scheduler takes to exit. */
const schedulerExitMs = 1_000;

/**
 * The drain of SGLang 0.5.23: health is 503 at once, everything else is served as before, new requests too, until a
 * look finds none in flight. Looks come every 5 s from the time at which the server was ready. Without a time limit.
 */
export class Drain {
  readonly #server: ServerState;
  readonly #onDrained: () => void;

  constructor(server: ServerState, onDrained: () => void) {
    this.#server = server;
    this.#onDrained = onDrained;
  }

  begin(): void {
    const { clock, log, startedAt } = this.#server;
    if (this.#server.phase === 'draining') return;
    this.#server.phase = 'draining';
    log.line('SIGTERM received. signum=None frame=None. Draining requests and shutting down...');
    const elapsedMs = clock.now() - startedAt;
    clock.schedule(watchdogMs - (elapsedMs % watchdogMs), () => this.#look());
  }

  #look(): void {
    const { clock, log, inFlight } = this.#server;
    const rids = inFlight.rids.map((rid) => `'${rid}'`).join(', ');
    const remaining = `Remaining number of requests ${inFlight.size}. Remaining requests remaining_rids=[${rids}].`;
    log.line(`Gracefully exiting... ${remaining}`);
    if (inFlight.size > 0) {
      clock.schedule(watchdogMs, () => this.#look());
    } else {
      clock.schedule(schedulerExitMs, this.#onDrained);
    }
  }
}
