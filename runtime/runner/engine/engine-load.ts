import { callJson } from '../../shared/call-json.ts';
import type { EngineLoad } from '../../shared/protocol.ts';

interface RankLoad {
  readonly num_running_reqs?: unknown;
  readonly num_waiting_reqs?: unknown;
  readonly num_used_tokens?: unknown;
  readonly max_total_num_tokens?: unknown;
}

/**
 * The engine's load of this moment, summed over its data-parallel ranks (`GET /v1/loads`, SGLang 0.5.8 and later).
 * Undefined when the engine cannot say: it is down, too old, or its answer has another shape.
 */
export async function readEngineLoad(engineUrl: string, signal?: AbortSignal): Promise<EngineLoad | undefined> {
  try {
    return parseLoads(
      await callJson(`${engineUrl}/v1/loads?include=core`, { timeoutMs: 2_000, ...(signal && { signal }) }),
    );
  } catch {
    return undefined;
  }
}

export function parseLoads(answer: unknown): EngineLoad | undefined {
  const ranks = (answer as { loads?: unknown })?.loads;
  if (!Array.isArray(ranks) || ranks.length === 0) return undefined;
  const sum = (name: keyof RankLoad) =>
    ranks.reduce((total: number, rank: RankLoad) => total + toCount(rank?.[name]), 0);
  return {
    runningRequests: sum('num_running_reqs'),
    waitingRequests: sum('num_waiting_reqs'),
    usedTokens: sum('num_used_tokens'),
    maxTotalTokens: sum('max_total_num_tokens'),
  };
}

function toCount(value: unknown): number {
  return typeof value === 'number' && value > 0 ? Math.round(value) : 0;
}
