import type { LifeEvent, LogEvent, Rank, StartupPhase } from './log-event.ts';
import { round } from './spread.ts';

/** What the log says about the engine's process. `unknown`: it says nothing, since the log began before the monitor. */
export type EngineState = 'unknown' | 'starting' | 'serving' | 'dead';

/** Parts of a start; `total` is from its first line to its readiness. */
export type StartupPart = StartupPhase | 'total';

/** Seconds of one completed start by part; a part that the log does not show is absent. */
export type StartupSeconds = Readonly<Partial<Record<StartupPart, number>>>;

interface PhaseClock {
  /** Log time at which the phase began; null when it is over, or when its line had no time. */
  readonly beganMs: number | null;
  readonly endedMs: number | null;
  /** So far, over its repetitions. */
  readonly seconds: number;
}

/** What is remembered of the engine's process from window to window. Plain data, saved with the place in the log. */
export interface EngineLife {
  readonly state: EngineState;
  /** True once the log prints `server_args`, which then marks a launch better than uvicorn, whose processes may be many. */
  readonly printsArguments: boolean;
  /** When the current launch began, ms of the log's clock; null when its line had no time. */
  readonly launchedMs: number | null;
  /** Phases of the current start by rank. */
  readonly phases: Readonly<Record<string, Readonly<Partial<Record<StartupPhase, PhaseClock>>>>>;
  /** `max_running_requests` by data-parallel rank. */
  readonly maxRunningRequests: Readonly<Record<string, number>>;
}

export const unknownLife: EngineLife = {
  state: 'unknown',
  printsArguments: false,
  launchedMs: null,
  phases: {},
  maxRunningRequests: {},
};

/** What one event changed, beside the life itself. */
export interface LifeStep {
  readonly life: EngineLife;
  /** The engine was launched although it had been seen before. */
  readonly isRestart?: boolean;
  /** The engine became ready: its start is complete. */
  readonly startup?: StartupSeconds;
}

/** Ranks beyond this are not followed: no engine has as many, a hostile log might. */
const maxRanks = 1_024;
/** No start takes longer; what looks like one is two clocks in one log. */
const longestStartMs = 24 * 3_600_000;

/** The life after `event`. @param atMs the event's own time on the log's clock, null when its line has none */
export function afterLifeEvent(life: EngineLife, event: LogEvent, atMs: number | null): LifeStep {
  switch (event.kind) {
    case 'server-args':
      return launched({ ...life, printsArguments: true }, life, atMs);
    case 'http-server':
      if (event.stage !== 'process-started' || life.printsArguments) return { life };
      return launched(life, life, atMs);
    case 'startup-phase':
      return { life: { ...life, phases: withPhase(life.phases, event, atMs) } };
    case 'startup-timings':
      return { life: { ...life, phases: withTimings(life.phases, event.rank, event.seconds) } };
    case 'capacity':
      return { life: withCapacity(life, event) };
    case 'ready':
      return event.mode === 'serving' ? becameReady(life, atMs) : { life };
    case 'crash':
      return event.isFatal ? { life: { ...life, state: 'dead' } } : { life };
    case 'prefill':
      // The monitor joined while the engine ran. A starting engine prefills before it is ready, to warm up.
      return life.state === 'unknown' ? { life: { ...life, state: 'serving' } } : { life };
    case 'decode':
      // A dead engine does not decode: the marker was in somebody's prompt.
      return life.state === 'unknown' || life.state === 'dead' ? { life: { ...life, state: 'serving' } } : { life };
    default:
      return { life };
  }
}

/** Requests that the engine runs at once, over its data-parallel ranks; null when it has not said. */
export function loggedCapacity({ maxRunningRequests }: EngineLife): number | null {
  const ranks = Object.values(maxRunningRequests);
  return ranks.length === 0 ? null : ranks.reduce((sum, requests) => sum + requests, 0);
}

function launched(next: EngineLife, before: EngineLife, atMs: number | null): LifeStep {
  return {
    life: { ...next, state: 'starting', launchedMs: atMs, phases: {}, maxRunningRequests: {} },
    isRestart: before.state !== 'unknown',
  };
}

function becameReady(life: EngineLife, atMs: number | null): LifeStep {
  const ready: EngineLife = { ...life, state: 'serving', phases: {}, launchedMs: null };
  return life.state === 'starting' ? { life: ready, startup: startupSeconds(life, atMs) } : { life: ready };
}

/** Ranks start side by side: a part takes as long as its slowest rank. */
function startupSeconds({ phases, launchedMs }: EngineLife, readyMs: number | null): StartupSeconds {
  const seconds: Partial<Record<StartupPart, number>> = {};
  for (const rank of Object.values(phases)) {
    for (const [phase, clock] of Object.entries(rank) as [StartupPhase, PhaseClock][]) {
      // Nothing to do, or no line to tell how long it took.
      if (clock.seconds > 0) seconds[phase] = Math.max(seconds[phase] ?? 0, round(clock.seconds));
    }
  }
  const totalMs = launchedMs === null || readyMs === null ? -1 : readyMs - launchedMs;
  if (totalMs >= 0 && totalMs <= longestStartMs) seconds.total = totalMs / 1_000;
  return seconds;
}

type PhaseEvent = Extract<LifeEvent, { kind: 'startup-phase' }>;

function withPhase(phases: EngineLife['phases'], event: PhaseEvent, atMs: number | null): EngineLife['phases'] {
  const rank = rankName(event.rank);
  const known = phases[rank] ?? {};
  if (known === phases[rank] || Object.keys(phases).length < maxRanks) {
    return { ...phases, [rank]: { ...known, [event.phase]: nextClock(known, event, atMs) } };
  }
  return phases;
}

/** A phase may come twice: a draft model loads its weights behind the target model. */
function nextClock(
  known: Readonly<Partial<Record<StartupPhase, PhaseClock>>>,
  { phase, state, elapsedSeconds }: PhaseEvent,
  atMs: number | null,
): PhaseClock {
  const clock = known[phase] ?? unusedClock;
  if (state === 'begin') return { ...clock, beganMs: atMs };
  // The KV cache announces only its end; it follows the weights.
  const beganMs = clock.beganMs ?? (phase === 'kv-cache' ? (known['load-weight']?.endedMs ?? null) : null);
  const spanMs = beganMs === null || atMs === null ? 0 : atMs - beganMs;
  const seconds = elapsedSeconds ?? (spanMs >= 0 && spanMs <= longestStartMs ? spanMs / 1_000 : 0);
  return { beganMs: null, endedMs: atMs, seconds: clock.seconds + seconds };
}

const unusedClock: PhaseClock = { beganMs: null, endedMs: null, seconds: 0 };

/** The engine's own summary (0.5.23), finer than the seconds of its log; several kinds of graph add up. */
function withTimings(
  phases: EngineLife['phases'],
  rank: Rank,
  timings: Readonly<Record<string, number>>,
): EngineLife['phases'] {
  const seconds: Partial<Record<StartupPhase, number>> = {};
  for (const [name, value] of Object.entries(timings)) {
    const phase = timedPhases.get(name);
    if (phase !== undefined) seconds[phase] = (seconds[phase] ?? 0) + value;
  }
  const clocks = Object.entries(seconds).map(([phase, value]) => [phase, { ...unusedClock, seconds: value }]);
  const key = rankName(rank);
  return { ...phases, [key]: { ...phases[key], ...Object.fromEntries(clocks) } };
}

const timedPhases: ReadonlyMap<string, StartupPhase> = new Map([
  ['load_weight', 'load-weight'],
  ['kv_cache_allocation', 'kv-cache'],
  ...['prefill', 'decode', 'target_verify', 'draft_prefill', 'draft_decode', 'draft_extend'].map(
    (graph) => [graph, 'graph-capture'] as [string, StartupPhase],
  ),
]);

function withCapacity(life: EngineLife, event: Extract<LifeEvent, { kind: 'capacity' }>): EngineLife {
  const requests = event.values['max_running_requests'];
  const rank = `DP${event.rank['DP'] ?? ''}`;
  const isKnown = rank in life.maxRunningRequests;
  if (requests === undefined || requests <= 0) return life;
  if (!isKnown && Object.keys(life.maxRunningRequests).length >= maxRanks) return life;
  return { ...life, maxRunningRequests: { ...life.maxRunningRequests, [rank]: requests } };
}

function rankName(rank: Rank): string {
  return Object.entries(rank)
    .map(([name, value]) => `${name}${value}`)
    .join(' ');
}
