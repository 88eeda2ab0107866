import {
  type CounterPlace,
  type CounterReadings,
  compareTotals,
  placeAfterDeath,
  placeAfterLook,
  placeAfterMiss,
  readGrowth,
} from './sources/counter-deltas.ts';
import type { EngineMetrics } from './sources/engine-metrics.ts';
import type { LoadSample } from './sources/loads.ts';
import { chooseMeasurements, type Measurements, type SourceReadings } from './sources/measurement.ts';
import { round } from './spread.ts';

/** What the engine's HTTP server said in one window. */
export interface EngineLook {
  /** In the order in which they were taken. */
  readonly loads: readonly LoadSample[];
  /** `refused`: no engine runs. `missing`: there is nothing to read, now or ever. */
  readonly metrics: EngineMetrics | 'refused' | 'missing';
}

export const noLook: EngineLook = { loads: [], metrics: 'missing' };

export interface LogReadings {
  readonly log: SourceReadings;
  readonly requestLog: SourceReadings;
}

export interface WindowMeasures {
  readonly measurements: Measurements;
  /** How far the engine's counters count as published once this window is. */
  readonly place: CounterPlace;
  /** Prompt tokens that the engine's counters gained; undefined when they do not say. */
  readonly countedPromptTokens: number | undefined;
}

const nothingGrown: CounterReadings = { metrics: {}, finished: {} };

/** Brings the sources of one window together. */
export function measureWindow(look: EngineLook, logged: LogReadings, place: CounterPlace): WindowMeasures {
  const metrics = plausibleMetrics(look.metrics, place);
  const growth = metrics === undefined ? nothingGrown : readGrowth(place, metrics.totals);
  const measurements = chooseMeasurements({
    loads: meanLoad(look.loads),
    metrics: { ...growth.metrics, ...(metrics && gaugesOf(metrics)) },
    'metrics-finished': growth.finished,
    'request-log': logged.requestLog,
    log: logged.log,
  });
  return {
    measurements,
    place: nextPlace(look.metrics, metrics, place, measurements),
    countedPromptTokens: growth.metrics.prefillTokens?.values[0],
  };
}

function plausibleMetrics(look: EngineLook['metrics'], { totals }: CounterPlace): EngineMetrics | undefined {
  if (typeof look === 'string') return undefined;
  return totals !== null && compareTotals(totals, look.totals) === 'implausible' ? undefined : look;
}

function nextPlace(
  look: EngineLook['metrics'],
  metrics: EngineMetrics | undefined,
  place: CounterPlace,
  measurements: Measurements,
): CounterPlace {
  if (metrics !== undefined) return placeAfterLook(metrics.totals);
  if (look === 'refused') return placeAfterDeath(place);
  return placeAfterMiss(place, measurements);
}

function meanLoad(samples: readonly LoadSample[]): SourceReadings {
  if (samples.length === 0) return {};
  const usages = samples.map(({ kvCacheUsage }) => kvCacheUsage).filter((usage) => usage !== null);
  return {
    runningRequests: mean(samples.map(({ runningRequests }) => runningRequests)),
    queuedRequests: mean(samples.map(({ queuedRequests }) => queuedRequests)),
    ...(usages.length > 0 && { kvCacheUsage: mean(usages) }),
  };
}

function gaugesOf({ runningRequests, queuedRequests, kvCacheUsage }: EngineMetrics): SourceReadings {
  return {
    ...(runningRequests !== null && { runningRequests: { values: [runningRequests] } }),
    ...(queuedRequests !== null && { queuedRequests: { values: [queuedRequests] } }),
    ...(kvCacheUsage !== null && { kvCacheUsage: { values: [kvCacheUsage] } }),
  };
}

function mean(values: readonly number[]) {
  return { values: [round(values.reduce((sum, value) => sum + value, 0) / values.length)] };
}
