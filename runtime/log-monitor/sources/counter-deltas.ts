import type { CounterName, EngineTotals, HistogramName, HistogramTotals } from './engine-metrics.ts';
import { histogramValues } from './histogram-values.ts';
import type { Measure, Measurements, SourceReadings, ValueCounts } from './measurement.ts';

/** How far the engine's counters have been published. Plain data, saved with the place in the log. */
export interface CounterPlace {
  /** As last read; null before the first look. An engine that did not run yet has empty totals. */
  readonly totals: EngineTotals | null;
  /** Counted from another source since `totals` were read: their growth until the next look is not to be counted again. */
  readonly countedElsewhere: readonly Measure[];
}

export const unknownPlace: CounterPlace = { totals: null, countedElsewhere: [] };
/** Of an engine that does not run: whatever its successor has counted is new. */
export const noEngineYet: EngineTotals = { counters: {}, histograms: {} };

export interface CounterReadings {
  readonly metrics: SourceReadings;
  readonly finished: SourceReadings;
}

/**
 * What the counters gained since `place`. Without an earlier look nothing can be said: the engine may have run for days.
 * After a reset everything is new; what the old engine counted between the last look and its end is lost to this source.
 */
export function readGrowth(place: CounterPlace, now: EngineTotals): CounterReadings {
  if (place.totals === null) return { metrics: {}, finished: {} };
  const before = compareTotals(place.totals, now) === 'reset' ? noEngineYet : place.totals;
  const grown = (name: CounterName): ValueCounts | undefined => {
    const total = now.counters[name];
    return total === undefined ? undefined : countOf(Math.max(0, total - (before.counters[name] ?? 0)));
  };
  const observed = (name: HistogramName): ValueCounts | undefined => {
    const totals = now.histograms[name];
    return totals === undefined ? undefined : histogramValues(difference(totals, before.histograms[name]));
  };
  const isKnown = (measure: Measure) => !place.countedElsewhere.includes(measure);
  return {
    metrics: present(
      {
        prefillTokens: grown('prefillTokens'),
        cachedTokens: grown('cachedTokens'),
        // The counter comes into being with the first retraction.
        retractions: grown('retractions') ?? (now.counters.decodeTokens === undefined ? undefined : countOf(0)),
        generationTokens: grown('decodeTokens'),
      },
      isKnown,
    ),
    finished: present(
      {
        ...finishedPrompts(grown('finishedPromptTokens'), grown('finishedCachedTokens')),
        generationTokens: grown('finishedGenerationTokens'),
        timeToFirstToken: observed('timeToFirstToken'),
        interTokenLatency: observed('interTokenLatency'),
        endToEndLatency: observed('endToEndLatency'),
      },
      isKnown,
    ),
  };
}

/** The place after a window in which the engine answered with `now`. */
export function placeAfterLook(now: EngineTotals): CounterPlace {
  return { totals: now, countedElsewhere: [] };
}

/** The place after a window without a look: growth of what others have counted is theirs. */
export function placeAfterMiss(place: CounterPlace, chosen: Measurements): CounterPlace {
  const elsewhere = Object.keys(chosen).filter((measure) => isCounted(measure as Measure)) as Measure[];
  return { ...place, countedElsewhere: [...new Set([...place.countedElsewhere, ...elsewhere])] };
}

/**
 * The place after a window in which no engine ran: all that the next one will have counted is new, whatever the log told of
 * the last one. The old totals stay, to tell whether it is another engine.
 */
export function placeAfterDeath({ totals }: CounterPlace): CounterPlace {
  return placeAfterLook(totals ?? noEngineYet);
}

function isCounted(measure: Measure): boolean {
  return measure !== 'runningRequests' && measure !== 'queuedRequests' && measure !== 'kvCacheUsage';
}

/**
 * Whether `now` continues `before`. Only a new process has a smaller counter, or none of them any more. Where some are
 * missing and the others have not fallen, half an answer was read.
 */
export function compareTotals(before: EngineTotals, now: EngineTotals): 'grown' | 'reset' | 'implausible' {
  const known = [...seriesOf(before)].filter(([, count]) => count > 0);
  const current = new Map(seriesOf(now));
  const missing = known.filter(([key]) => !current.has(key)).length;
  if (known.some(([key, count]) => current.has(key) && current.get(key)! < count)) return 'reset';
  if (missing === 0) return 'grown';
  return missing === known.length ? 'reset' : 'implausible';
}

/** Every number that only grows, by a name that tells bounds apart. */
function* seriesOf({ counters, histograms }: EngineTotals): Generator<[string, number]> {
  for (const [name, total] of Object.entries(counters)) yield [name, total];
  for (const [name, { bounds, counts }] of Object.entries(histograms)) {
    for (const [i, count] of counts.entries()) yield [`${name} ${bounds[i] ?? 'more'} of ${bounds.length}`, count];
  }
}

function difference(now: HistogramTotals, before: HistogramTotals | undefined): HistogramTotals {
  if (before === undefined) return now;
  return {
    bounds: now.bounds,
    counts: now.counts.map((count, i) => count - (before.counts[i] ?? 0)),
    sum: Math.max(0, now.sum - before.sum),
  };
}

/** Cached tokens may exceed prompt tokens after a retraction (until 0.5.4). */
function finishedPrompts(prompt: ValueCounts | undefined, cached: ValueCounts | undefined): SourceReadings {
  if (prompt === undefined) return {};
  const promptTokens = prompt.values[0]!;
  const cachedTokens = Math.min(promptTokens, cached?.values[0] ?? 0);
  return { prefillTokens: countOf(promptTokens - cachedTokens), cachedTokens: countOf(cachedTokens) };
}

export function countOf(count: number): ValueCounts {
  return { values: [count] };
}

function present(
  readings: Readonly<Partial<Record<Measure, ValueCounts | undefined>>>,
  isKnown: (measure: Measure) => boolean,
): SourceReadings {
  const known: Partial<Record<Measure, ValueCounts>> = {};
  for (const [measure, reading] of Object.entries(readings) as [Measure, ValueCounts | undefined][]) {
    if (reading !== undefined && isKnown(measure)) known[measure] = reading;
  }
  return known;
}
