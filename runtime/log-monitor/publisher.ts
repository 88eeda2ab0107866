import type { Writable } from 'node:stream';
import type { WindowAggregate } from './window-aggregate.ts';

/** One window as it leaves the monitor. */
export interface PublishedWindow extends WindowAggregate {
  /**
   * Counts up across restarts. A monitor killed between publishing and saving its place publishes the window again,
   * with at least the same content: of two windows with one number the later one holds.
   */
  readonly sequence: number;
  /** When the window began and ended on the monitor's clock, ISO 8601. */
  readonly from: string;
  readonly to: string;
}

/** Where windows go. The next window waits for the promise. */
export interface Publisher {
  publish(window: PublishedWindow): Promise<void>;
}

/** One JSON line a window; the promise rejects when nobody reads them any more. */
export function jsonLinesPublisher(output: Writable): Publisher {
  return {
    publish: (window) =>
      new Promise((resolve, reject) => {
        output.write(`${JSON.stringify(window)}\n`, (error) => (error ? reject(error) : resolve()));
      }),
  };
}
