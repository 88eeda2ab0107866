/** A prediction within this of the first-token time counts as right, in seconds of engine time: a bucket of the metric. */
export const rightWithinSeconds = 0.3;

const metric = 'fleet_router_prediction_error_seconds';

/** Share of first tokens that the router predicted right, by its metrics; null when it has none of this kind. */
export async function predictedShare(url: string): Promise<number | null> {
  const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(5_000) }).catch(() => undefined);
  if (!response?.ok) return null;
  const text = await response.text();
  const value = (series: string) => {
    const line = text.split('\n').find((one) => one.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  };
  const all = value(`${metric}_count`);
  const below = value(`${metric}_bucket{le="${rightWithinSeconds}"}`);
  const tooEarly = value(`${metric}_bucket{le="-${rightWithinSeconds}"}`);
  if (!all || below === undefined || tooEarly === undefined) return null;
  return (below - tooEarly) / all;
}
