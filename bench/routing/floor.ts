import { blockTokens, type TraceRequest } from '../../runtime/cli/replay/trace.ts';
import { prefillPassMs } from '../../runtime/engine-sim/core/pass-timing.ts';
import type { EngineSettings } from '../../runtime/engine-sim/core/types.ts';

export interface Floor {
  readonly firstTokenMs: readonly number[];
  readonly tokenHitRate: number;
}

/**
 * What no router can beat: the longest prefix that was ever seen is cached wherever a request goes, and nobody waits for
 * anybody.
 */
export function floorOf(requests: readonly TraceRequest[], settings: EngineSettings): Floor {
  /** Tokens of each block that some prompt had; ids name a block's text and all text before it. */
  const seen = new Map<number, number>();
  let promptTokens = 0;
  let cachedTokens = 0;
  const firstTokenMs = requests.map(({ blockIds, inputTokens }) => {
    let reused = 0;
    let isCached = true;
    blockIds.forEach((id, block) => {
      const own = Math.min(blockTokens, inputTokens - block * blockTokens);
      const known = seen.get(id) ?? 0;
      if (isCached) reused += Math.min(own, known);
      isCached &&= known >= own;
      seen.set(id, Math.max(own, known));
    });
    reused = Math.min(reused, inputTokens - 1);
    promptTokens += inputTokens;
    cachedTokens += reused;
    return prefillMs(settings, inputTokens - reused);
  });
  return { firstTokenMs, tokenHitRate: cachedTokens / promptTokens };
}

/** Alone on an engine, in passes of the chunk size. */
function prefillMs(settings: EngineSettings, tokens: number): number {
  const passes = Math.ceil(tokens / settings.chunkedPrefillTokens);
  return prefillPassMs(settings, tokens, 0) + (passes - 1) * settings.prefillOverheadMs;
}
