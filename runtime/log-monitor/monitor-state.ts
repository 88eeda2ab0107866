import { z } from 'zod';
import { emptyMemory } from './log-window.ts';
import type { PublishedWindow } from './published-window.ts';
import { unknownPlace } from './sources/counter-deltas.ts';
import { nothingLearned } from './utilization.ts';

const count = z.number().min(0);
const groupsSchema = z.record(
  z.string(),
  z.object({
    reporter: z.string(),
    reporterSpokeMs: z.number(),
    lastPrefillMs: z.number().nullable(),
    lastDecodeMs: z.number().nullable(),
    wasEmptySinceDecode: z.boolean(),
  }),
);
const phaseClockSchema = z.object({
  beganMs: z.number().nullable(),
  endedMs: z.number().nullable(),
  seconds: z.number(),
});
const startupPhase = z.enum(['distributed-init', 'load-weight', 'kv-cache', 'graph-capture', 'jit-compile']);
const memorySchema = z.object({
  groups: groupsSchema,
  engine: z.object({
    state: z.enum(['unknown', 'starting', 'serving', 'dead']),
    printsArguments: z.boolean(),
    launchedMs: z.number().nullable(),
    phases: z.record(z.string(), z.partialRecord(startupPhase, phaseClockSchema)),
    maxRunningRequests: z.record(z.string(), count),
  }),
  load: z.object({ runningRequests: count, queuedRequests: count, kvCacheUsage: count, atMs: z.number() }).nullable(),
  silentWindows: z.int().min(0),
  showsRequests: z.boolean(),
});
const placeSchema = z.object({
  totals: z
    .object({
      counters: z.record(z.string(), count),
      histograms: z.record(
        z.string(),
        z.object({ bounds: z.array(z.number()), counts: z.array(count), sum: z.number() }),
      ),
    })
    .nullable(),
  countedElsewhere: z.array(z.string()),
});
const positionSchema = z.object({ inode: z.string(), offset: z.int().min(0), fingerprint: z.string() });

const stateSchema = z.object({
  version: z.literal(2),
  logFile: z.string(),
  sequence: z.int().min(0),
  windowEndedMs: z.number(),
  position: positionSchema.optional(),
  memory: memorySchema,
  place: placeSchema,
  learned: z.object({ runningRequests: count, kvCacheUsage: count }),
  pending: z.looseObject({ sequence: z.int(), to: z.string() }).nullable(),
});
/** What the first version of this program saved. */
const oldStateSchema = z.object({
  version: z.literal(1),
  logFile: z.string(),
  sequence: z.int().min(0),
  position: positionSchema.optional(),
  carry: groupsSchema,
});

type Plain = z.infer<typeof stateSchema>;

/** All that a monitor needs to go on where it stopped: the end of one window, and that window until it is published. */
export interface MonitorState extends Omit<Plain, 'memory' | 'place' | 'pending'> {
  readonly memory: typeof emptyMemory;
  readonly place: typeof unknownPlace;
  /** The window with number `sequence`, null once it is known to be published. */
  readonly pending: PublishedWindow | null;
}

/** Reads a saved state of any version; what is wrong with it when it is none. */
export function parseMonitorState(json: string): MonitorState | { readonly mistake: string } {
  const value = parseJson(json);
  const old = oldStateSchema.safeParse(value);
  if (old.success) return upgrade(old.data);
  const state = stateSchema.safeParse(value);
  // The checksum vouches for what the schema does not look into.
  if (state.success) return state.data as unknown as MonitorState;
  const [issue] = state.error.issues;
  return { mistake: `${issue?.path.join('.') || 'content'}: ${issue?.message}` };
}

function upgrade({ logFile, sequence, position, carry }: z.infer<typeof oldStateSchema>): MonitorState {
  return {
    version: 2,
    logFile,
    sequence,
    windowEndedMs: Date.now(),
    position,
    memory: { ...emptyMemory, groups: carry },
    place: unknownPlace,
    learned: nothingLearned,
    pending: null,
  };
}

/** Undefined for text that is not JSON, which the schema then refuses. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
