import type { Logger } from '../log.ts';
import type { Failure } from './judge-failure.ts';
import type { MetricPoint } from './metric-point.ts';
import { RefusalLog } from './refusal-log.ts';

/** Points that were let go, since the start. */
interface Dropped {
  readonly full: number;
  readonly old: number;
}

/** What the log says about the way to CloudWatch: a line when its state changes, none for each attempt in between. */
export class SenderJournal {
  readonly #log: Logger;
  readonly #now: () => number;
  readonly #refusals: RefusalLog;
  #outage: { readonly since: number; readonly codes: Set<string>; failedCalls: number } | undefined;
  #reported: Dropped = { full: 0, old: 0 };
  #isFullReported = false;

  /** @param now monotonic, ms */
  constructor(log: Logger, now: () => number) {
    this.#log = log;
    this.#refusals = new RefusalLog(log);
    this.#now = now;
  }

  unreachable(failure: Failure, dropped: Dropped): void {
    this.#outage ??= { since: this.#now(), codes: new Set(), failedCalls: 0 };
    this.#outage.failedCalls++;
    if (!this.#outage.codes.has(failure.code)) {
      this.#outage.codes.add(failure.code);
      this.#log.warn('CloudWatch takes no metrics, they are kept', fieldsOf(failure));
    }
    if (dropped.full > this.#reported.full && !this.#isFullReported) {
      this.#isFullReported = true;
      this.#log.warn('no room for more metrics, the oldest are dropped');
    }
  }

  /** Everything was sent. */
  reachable(dropped: Dropped): void {
    const lost = { full: dropped.full - this.#reported.full, old: dropped.old - this.#reported.old };
    if (this.#outage) {
      const { since, failedCalls } = this.#outage;
      const outageSeconds = Math.round((this.#now() - since) / 1_000);
      this.#log.info('CloudWatch takes metrics again', { outageSeconds, failedCalls, droppedPoints: lost });
    } else if (lost.full + lost.old > 0) {
      this.#log.warn('metrics were dropped', { droppedPoints: lost });
    }
    this.#outage = undefined;
    this.#isFullReported = false;
    this.#reported = { ...dropped };
  }

  /** CloudWatch will never take these. */
  refused(points: readonly MetricPoint[], failure: Failure): void {
    const { reason, ...fields } = fieldsOf(failure);
    for (const name of new Set(points.map((point) => point.name))) this.#refusals.add(name, reason, fields);
  }

  lostAtClose(points: number): void {
    this.#log.warn('metrics lost at shutdown', { droppedPoints: points });
  }
}

function fieldsOf({ code, status, message }: Failure) {
  return { code, ...(status !== undefined && { status }), reason: message };
}
