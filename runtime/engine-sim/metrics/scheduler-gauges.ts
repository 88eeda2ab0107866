import type { EngineLoadSnapshot, EngineSettings } from '../core/types.ts';
import { type Labels, renderFamily } from './exposition.ts';

/** The scheduler's gauges and counters that have been stable since SGLang 0.3.5, and those about the KV pool. */
export function renderSchedulerMetrics(
  snapshot: EngineLoadSnapshot,
  settings: EngineSettings,
  contextLength: number,
  modelName: string,
): string {
  const labels: Labels = {
    engine_type: 'unified',
    model_name: modelName,
    moe_ep_rank: '0',
    pp_rank: '0',
    tp_rank: '0',
  };
  const { usedTokens, evictableTokens, maxTotalTokens, totals } = snapshot;
  const usage = usedTokens / maxTotalTokens;
  const gauges: [name: string, help: string, value: number][] = [
    ['num_running_reqs', 'The number of running requests.', snapshot.runningRequests],
    ['num_queue_reqs', 'The number of requests in the waiting queue.', snapshot.waitingRequests],
    ['num_used_tokens', 'The number of used tokens.', usedTokens],
    ['token_usage', 'The token usage.', usage],
    ['full_token_usage', 'The token usage for full attention layers.', usage],
    ['gen_throughput', 'The generation throughput (token/s).', snapshot.generatedTokensPerSecond],
    ['cache_hit_rate', 'The prefix cache hit rate.', hitRate(snapshot)],
    ['max_total_num_tokens', 'Maximum total number of tokens in the KV cache pool.', maxTotalTokens],
    [
      'kv_available_tokens',
      'Number of free token slots in the KV cache pool.',
      maxTotalTokens - usedTokens - evictableTokens,
    ],
    ['kv_evictable_tokens', 'Number of evictable (radix-cached) token slots in the KV cache pool.', evictableTokens],
    ['kv_used_tokens', 'Number of actively used token slots in the KV cache pool.', usedTokens],
    ['num_grammar_queue_reqs', 'The number of requests in the grammar waiting queue.', 0],
    ['utilization', 'The utilization.', 0],
    ['page_size', 'KV cache page size.', settings.cacheBlockTokens],
    ['context_len', 'Maximum context length.', contextLength],
  ];
  const processLabels = { ...labels, pid: String(process.pid) };
  const retracted = { labels: processLabels, value: 0 };
  return [
    ...gauges.map(([name, help, value]) => renderFamily(`sglang:${name}`, help, 'gauge', [{ labels, value }])),
    renderFamily('sglang:num_retracted_reqs', 'The number of retracted requests.', 'gauge', [retracted]),
    renderCounters(totals, labels),
  ].join('');
}

/** A counter comes into being with its first increment. */
function renderCounters(totals: EngineLoadSnapshot['totals'], labels: Labels): string {
  const modes = {
    prefill_compute: totals.promptTokens - totals.cachedTokens,
    prefill_cache: totals.cachedTokens,
    decode: totals.generatedTokens,
  };
  const samples = Object.entries(modes).map(([mode, value]) => ({ labels: { ...labels, mode }, value }));
  const realtime = renderFamily(
    'sglang:realtime_tokens_total',
    'Total number of tokens processed.',
    'counter',
    samples,
  );
  if (totals.retractions === 0) return realtime;
  const help = 'Total number of retracted requests.';
  const sample = { labels, value: totals.retractions };
  return realtime + renderFamily('sglang:num_retracted_requests_total', help, 'counter', [sample]);
}

/** Share of all prompt tokens so far that came from the cache. */
export function hitRate({ totals }: EngineLoadSnapshot): number {
  const all = totals.promptTokens;
  return all === 0 ? 0 : totals.cachedTokens / all;
}
