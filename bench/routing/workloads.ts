import { loadTrace, type TraceRequest } from '../../runtime/cli/replay/trace.ts';
import type { EngineSettings } from '../../runtime/engine-sim/core/types.ts';
import { defaultPreset } from '../../runtime/engine-sim/presets.ts';
import { agentSessions } from './agent-sessions.ts';
import { seededRandom } from './random.ts';

/** A trace and the engines that it meets. */
export interface Workload {
  readonly name: string;
  readonly summary: string;
  readonly settings: EngineSettings;
  /** In order of arrival. */
  readonly requests: readonly TraceRequest[];
}

const tracePath = new URL('../../traces/mooncake-conversation-2000.jsonl.gz', import.meta.url).pathname;
/** Arrivals of another seed are moved by at most this much: the same users on another day. */
const jitterMs = 10_000;

/**
 * The workloads of the routing benchmark. Deterministic: seed 0 is what is published, others are for checking that a
 * change helps in general.
 * @param limit only the first requests of each
 */
export async function loadWorkloads(seed = 0, limit = Number.POSITIVE_INFINITY): Promise<Workload[]> {
  const conversation = jittered(await loadTrace(tracePath), seed);
  const { settings } = defaultPreset;
  const workloads: Workload[] = [
    {
      name: 'conversation',
      summary: 'conversation trace, 200k-token KV',
      settings,
      requests: conversation,
    },
    {
      name: 'conversation-1.4x',
      summary: 'conversation trace at 1.4 x load, 1M-token KV',
      settings: { ...settings, maxTotalTokens: 1_000_000 },
      requests: paced(conversation, 1.4),
    },
    {
      name: 'unique-0.8x',
      summary: 'unique prompts of the same lengths at 0.8 x load, 200k-token KV',
      settings,
      requests: paced(unshared(conversation), 0.8),
    },
    {
      name: 'agents',
      summary: '150 agent sessions whose context grows, 6 shared system prompts, 200k-token KV',
      settings,
      requests: agentSessions(seed + 1, 23_000),
    },
    {
      name: 'agents-crowded',
      summary: 'the same sessions with shorter pauses: more work than the engines can do without their caches',
      settings,
      requests: agentSessions(seed + 1, 9_000),
    },
  ];
  return workloads.map((workload) => ({ ...workload, requests: workload.requests.slice(0, limit) }));
}

/** The same requests, arriving `factor` times as often. */
function paced(requests: readonly TraceRequest[], factor: number): TraceRequest[] {
  return requests.map((request) => ({ ...request, timestampMs: request.timestampMs / factor }));
}

/** The same lengths and arrivals, but no two prompts share a block. */
function unshared(requests: readonly TraceRequest[]): TraceRequest[] {
  let nextId = 0;
  return requests.map((request) => ({ ...request, blockIds: request.blockIds.map(() => nextId++) }));
}

function jittered(requests: readonly TraceRequest[], seed: number): readonly TraceRequest[] {
  if (seed === 0) return requests;
  const random = seededRandom(seed);
  return requests
    .map((request) => ({ ...request, timestampMs: Math.round(request.timestampMs + random() * jitterMs) }))
    .sort((a, b) => a.timestampMs - b.timestampMs);
}
