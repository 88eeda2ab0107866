import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** Prometheus metrics of sessions. */
export class SessionMetrics {
  readonly #changes: Counter<'to' | 'reason'>;
  readonly #turns: Counter<'outcome'>;
  readonly #firstEvent: Histogram;

  /** @param readRunning turns under way */
  constructor(registry: Registry, readRunning: () => number) {
    const registers = [registry];
    this.#changes = new Counter({
      name: 'fleet_router_session_changes_total',
      help: 'Sessions by the status that they came to, and why: created, resumed, deleted, expired, or the reason of a pause.',
      labelNames: ['to', 'reason'],
      registers,
    });
    this.#turns = new Counter({
      name: 'fleet_router_session_turns_total',
      help: 'Messages to sessions by outcome: recorded, replayed, or the code of the error.',
      labelNames: ['outcome'],
      registers,
    });
    this.#firstEvent = new Histogram({
      name: 'fleet_router_session_first_event_seconds',
      help: "From the arrival of a message to the first event of its runner's answer.",
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100],
      registers,
    });
    new Gauge({
      name: 'fleet_router_session_turns_running',
      help: 'Messages to sessions that are being answered.',
      registers,
      collect() {
        this.set(readRunning());
      },
    });
  }

  sessionsChanged(to: 'active' | 'paused' | 'ended' | 'deleted', reason: string, count = 1): void {
    if (count > 0) this.#changes.inc({ to, reason }, count);
  }

  turnEnded(outcome: string): void {
    this.#turns.inc({ outcome });
  }

  firstEventAfter(elapsedMs: number): void {
    this.#firstEvent.observe(elapsedMs / 1_000);
  }
}
