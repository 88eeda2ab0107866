import type { MetricSink } from '../../shared/cloudwatch/metric-report.ts';
import type { Traffic } from './traffic.ts';
import { trafficReport } from './traffic-report.ts';

export interface TrafficPublisherParts {
  readonly traffic: Traffic;
  /** Most requests held at one time since the last call. */
  readonly takeHeldPeak: () => number;
  readonly sink: MetricSink;
  readonly groupName: string;
  readonly routerId: string;
  /** Wall clock, ms since the epoch. @default Date.now */
  readonly now?: () => number;
  /** @default 10000 */
  readonly intervalMs?: number;
}

/**
 * Sends one report an interval, from its start to `close`, which sends the last and closes the sink. Intervals end at
 * multiples of their length on the wall clock: each router of a fleet then says one thing in each of CloudWatch's periods.
 */
export class TrafficPublisher {
  readonly #parts: TrafficPublisherParts;
  readonly #now: () => number;
  readonly #intervalMs: number;
  #timer: NodeJS.Timeout;
  #endsAtMs = 0;

  constructor(parts: TrafficPublisherParts) {
    this.#parts = parts;
    this.#now = parts.now ?? Date.now;
    this.#intervalMs = parts.intervalMs ?? 10_000;
    this.#timer = this.#arm();
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#send();
    await this.#parts.sink.close();
  }

  #arm(): NodeJS.Timeout {
    const nowMs = this.#now();
    this.#endsAtMs = nextEndMs(nowMs, this.#intervalMs);
    return setTimeout(() => {
      this.#send();
      this.#timer = this.#arm();
    }, this.#endsAtMs - nowMs);
  }

  #send(): void {
    const { traffic, takeHeldPeak, sink, groupName, routerId } = this.#parts;
    // The last interval is cut short by `close`.
    const atMs = Math.min(this.#endsAtMs - this.#intervalMs / 2, this.#now());
    sink.send(trafficReport({ interval: traffic.take(), heldRequests: takeHeldPeak(), groupName, routerId, atMs }));
  }
}

/** End of the interval that begins about now: at least half an interval away, since timers may fire a little early. */
export function nextEndMs(nowMs: number, intervalMs: number): number {
  return intervalMs * (Math.round(nowMs / intervalMs) + 1);
}
