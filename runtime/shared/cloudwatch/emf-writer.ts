import type { Clock, Timer } from '../clock.ts';
import { emfLines } from './emf-line.ts';
import { dimensionsKey, type MetricPoint } from './metric-point.ts';
import type { MetricReport } from './metric-report.ts';
import { PointStore } from './point-store.ts';

/** Takes lines without their newline; keeps what it cannot write now within a bound. */
export interface LineOutput {
  write(line: string): void;
  /** Writes what is left. */
  close(): Promise<void>;
}

type Properties = NonNullable<MetricReport['properties']>;

export interface EmfWriterOptions {
  readonly namespace: string;
  /** See `MetricSinkOptions.emfLine`. */
  readonly line: 'minute' | 'report';
  readonly output: LineOutput;
  readonly bufferBytes: number;
  readonly clock: Clock;
  readonly now: () => number;
}

/** A report about a minute may come this long after its end, in ms, and still share its line. */
const graceMs = 2_000;
const minuteMs = 60_000;

/** Turns points into log lines, at once or by the minute. */
export class EmfWriter {
  readonly #options: EmfWriterOptions;
  readonly #minutes: PointStore;
  /** The latest properties of each set of dimensions that waits. */
  readonly #properties = new Map<string, Properties>();
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(options: EmfWriterOptions) {
    this.#options = options;
    this.#minutes = new PointStore(options.bufferBytes);
  }

  /** @param points of one report, all with its dimensions */
  add(
    points: readonly MetricPoint[],
    { dimensions, properties }: Pick<MetricReport, 'dimensions' | 'properties'>,
  ): void {
    if (this.#isClosed) return;
    const key = dimensionsKey(dimensions);
    const waits = ({ resolutionSeconds }: MetricPoint) => resolutionSeconds === 60 && this.#options.line === 'minute';
    this.#write(
      points.filter((point) => !waits(point)),
      new Map([[key, properties ?? {}]]),
    );
    const waiting = points.filter(waits);
    if (waiting.length === 0) return;
    this.#properties.set(key, { ...this.#properties.get(key), ...properties });
    this.#minutes.add(waiting);
    this.#schedule();
  }

  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#timer?.cancel();
      this.#write(this.#minutes.takeEnded(Number.POSITIVE_INFINITY), this.#properties);
    }
    await this.#options.output.close();
  }

  #schedule(): void {
    if (this.#timer || this.#isClosed || this.#minutes.size === 0) return;
    const { clock, now } = this.#options;
    const sinceEndMs = (now() - graceMs) % minuteMs;
    this.#timer = clock.schedule(minuteMs - sinceEndMs, () => {
      this.#timer = undefined;
      this.#write(this.#minutes.takeEnded(now() - graceMs), this.#properties);
      this.#forgetProperties();
      this.#schedule();
    });
  }

  #write(points: readonly MetricPoint[], properties: ReadonlyMap<string, Properties>): void {
    const { namespace, output } = this.#options;
    for (const line of emfLines({ namespace, points, properties })) output.write(line);
  }

  /** Those of dimensions for which nothing waits: dimensions may come and go. */
  #forgetProperties(): void {
    const waiting = new Set([...this.#minutes.points()].map(({ dimensions }) => dimensionsKey(dimensions)));
    for (const key of this.#properties.keys()) if (!waiting.has(key)) this.#properties.delete(key);
  }
}
