/** One look at the engine's load, summed over its data-parallel ranks. Null where the engine does not say. */
export interface LoadSample {
  readonly runningRequests: number;
  readonly queuedRequests: number;
  /** Mean over ranks, 0 to 1. */
  readonly kvCacheUsage: number | null;
  /** Requests that the engine decodes at once. */
  readonly maxRunningRequests: number | null;
}

/** The largest deployments have some hundred data-parallel ranks. */
const maxRanks = 4_096;

/**
 * Reads the answer of `GET /v1/loads` (SGLang 0.5.8 and later) or of `GET /get_load` (0.5.0 to 0.5.7, whose `num_reqs`
 * include the waiting ones). Undefined for anything else; never throws.
 */
export function readLoads(answer: unknown): LoadSample | undefined {
  if (Array.isArray(answer)) return sumRanks(answer.slice(0, maxRanks).map(readOldRank));
  const ranks = (answer as { loads?: unknown } | null | undefined)?.loads;
  return Array.isArray(ranks) ? sumRanks(ranks.slice(0, maxRanks).map(readRank)) : undefined;
}

function readRank(rank: unknown): LoadSample | undefined {
  if (typeof rank !== 'object' || rank === null) return undefined;
  const fields = rank as Record<string, unknown>;
  const runningRequests = countIn(fields, 'num_running_reqs');
  const queuedRequests = countIn(fields, 'num_waiting_reqs');
  if (runningRequests === null || queuedRequests === null) return undefined;
  const usage = countIn(fields, 'token_usage');
  return {
    runningRequests,
    queuedRequests,
    kvCacheUsage: usage === null ? null : Math.min(1, usage),
    maxRunningRequests: countIn(fields, 'max_running_requests') || null,
  };
}

function readOldRank(rank: unknown): LoadSample | undefined {
  if (typeof rank !== 'object' || rank === null) return undefined;
  const requests = countIn(rank as Record<string, unknown>, 'num_reqs');
  const waiting = countIn(rank as Record<string, unknown>, 'num_waiting_reqs');
  if (requests === null || waiting === null) return undefined;
  return {
    runningRequests: Math.max(0, requests - waiting),
    queuedRequests: waiting,
    kvCacheUsage: null,
    maxRunningRequests: null,
  };
}

function countIn(fields: Readonly<Record<string, unknown>>, name: string): number | null {
  const value = fields[name];
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null;
}

function sumRanks(ranks: readonly (LoadSample | undefined)[]): LoadSample | undefined {
  const known = ranks.filter((rank) => rank !== undefined);
  // A rank that cannot be read would make the sum look like an engine with room.
  if (known.length === 0 || known.length < ranks.length) return undefined;
  const usage = sumOrNull(known.map((rank) => rank.kvCacheUsage));
  return {
    runningRequests: known.reduce((sum, rank) => sum + rank.runningRequests, 0),
    queuedRequests: known.reduce((sum, rank) => sum + rank.queuedRequests, 0),
    kvCacheUsage: usage === null ? null : usage / known.length,
    maxRunningRequests: sumOrNull(known.map((rank) => rank.maxRunningRequests)),
  };
}

/** Null when any of them is. */
function sumOrNull(values: readonly (number | null)[]): number | null {
  return values.reduce((sum, value) => (sum === null || value === null ? null : sum + value), 0);
}
