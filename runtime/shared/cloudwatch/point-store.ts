import { metricLimits } from './limits.ts';
import { type MetricPoint, metricKey } from './metric-point.ts';

interface StoredPoint extends MetricPoint {
  readonly counts: Map<number, number>;
}

/** Rough memory of a point without values and of each distinct value, in bytes, as V8 lays them out. */
const pointBytes = 400;
const valueBytes = 40;

/**
 * Points that wait to be sent, within a bound. What the same metric says in one slot is merged. Counts what it had to
 * let go: `full` for want of room, oldest first, and `old` because CloudWatch would not take it any more.
 */
export class PointStore {
  readonly dropped = { full: 0, old: 0 };
  readonly #maxBytes: number;
  #points = new Map<string, StoredPoint>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get size(): number {
    return this.#points.size;
  }

  points(): Iterable<MetricPoint> {
    return this.#points.values();
  }

  add(points: readonly MetricPoint[]): void {
    for (const point of points) this.#merge(point);
    this.#keepBound();
  }

  /** Takes back what could not be sent: old points, so they go before those that came since. */
  restore(points: readonly MetricPoint[]): void {
    for (const point of points) this.#merge(point);
    this.#points = new Map([...this.#points].sort(([, a], [, b]) => a.slotMs - b.slotMs));
    this.#keepBound();
  }

  /**
   * Takes points out, newest first: after an outage the present matters most.
   * @param fits called with each; the first one that does not fit stays, with all older ones
   */
  take(fits: (point: MetricPoint) => boolean): MetricPoint[] {
    const taken: MetricPoint[] = [];
    for (const [key, point] of [...this.#points].reverse()) {
      if (!fits(point)) break;
      this.#remove(key, point);
      taken.push(point);
    }
    return taken;
  }

  /** Takes out all points whose slot ended by `nowMs`, oldest first. */
  takeEnded(nowMs: number): MetricPoint[] {
    const ended = [...this.#points].filter(
      ([, { slotMs, resolutionSeconds }]) => slotMs + resolutionSeconds * 1_000 <= nowMs,
    );
    for (const [key, point] of ended) this.#remove(key, point);
    return ended.map(([, point]) => point);
  }

  /** Lets go of what CloudWatch refuses for its age. */
  dropOld(nowMs: number): void {
    for (const [key, point] of this.#points) {
      const maxAgeMs = point.resolutionSeconds === 1 ? metricLimits.highResolutionAgeMs : metricLimits.ageMs;
      if (point.slotMs > nowMs - maxAgeMs) continue;
      this.#remove(key, point);
      this.dropped.old++;
    }
  }

  #merge(point: MetricPoint): void {
    const key = `${point.slotMs} ${metricKey(point)}`;
    const stored = this.#points.get(key);
    if (stored === undefined) {
      this.#points.set(key, { ...point, counts: new Map(point.counts) });
      this.#bytes += bytesOf(point);
      return;
    }
    this.#bytes -= bytesOf(stored);
    for (const [value, count] of point.counts) stored.counts.set(value, (stored.counts.get(value) ?? 0) + count);
    this.#bytes += bytesOf(stored);
  }

  #keepBound(): void {
    for (const [key, point] of this.#points) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#remove(key, point);
      this.dropped.full++;
    }
  }

  #remove(key: string, point: MetricPoint): void {
    this.#points.delete(key);
    this.#bytes -= bytesOf(point);
  }
}

function bytesOf({ counts }: MetricPoint): number {
  return pointBytes + valueBytes * counts.size;
}
