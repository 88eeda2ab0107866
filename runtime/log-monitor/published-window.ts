import type { StartupSeconds } from './engine-life.ts';
import type { Measurements } from './sources/measurement.ts';
import type { WindowAggregate } from './window-aggregate.ts';

/** One window as it leaves the monitor: what its log said, and what all sources together make of it. */
export interface PublishedWindow extends WindowAggregate {
  /**
   * Counts up across restarts. A monitor killed between publishing a window and noting that it did publishes it again,
   * the same to the letter: of two windows with one number either holds.
   */
  readonly sequence: number;
  /** When the window began and ended on the monitor's clock, ISO 8601. */
  readonly from: string;
  readonly to: string;
  /** Name under which the engine serves its model, null when no source said. */
  readonly model: string | null;
  /** Whether the worker takes requests: only then is its utilization a reason to scale. */
  readonly isInService: boolean;
  /** Running and waiting requests as a share of `capacityRequests`; null when unknown. */
  readonly utilization: number | null;
  /** Requests that the engine can run at once; null when unknown. */
  readonly capacityRequests: number | null;
  /** Each number with the source that it is from. */
  readonly measurements: Measurements;
  /** Launches of an engine that had run before. */
  readonly engineRestarts: number;
  /** Starts that were completed in this window. */
  readonly startups: readonly StartupSeconds[];
}
