import type { Exchange } from '../http/exchange.ts';
import { hitRate } from '../metrics/scheduler-gauges.ts';
import type { ServerState } from '../server-state.ts';
import { pythonFloat } from '../validation/python-repr.ts';
import { sglangVersion } from '../version.ts';

const sections = ['core', 'memory', 'spec', 'lora', 'disagg', 'queues', 'all'];
const prometheusPrefixes: Readonly<Record<string, string>> = { speculative: 'spec', disaggregation: 'disagg' };
/** Fields that Python holds as floats and prints so. */
const floatFields = new Set([
  'timestamp',
  'token_usage',
  'gen_throughput',
  'cache_hit_rate',
  'utilization',
  'weight_gb',
  'kv_cache_gb',
  'graph_gb',
  'kv_transfer_speed_gb_s',
  'kv_transfer_latency_ms',
]);

type Load = Readonly<Record<string, unknown>>;

/** GET /v1/loads?include=...&format=json|prometheus */
export function loads(exchange: Exchange, server: ServerState): void {
  const include = exchange.query
    .get('include')
    ?.split(',')
    .map((name) => name.trim());
  if (include?.some((name) => !sections.includes(name))) {
    // SGLang 0.5.23 lets the ValueError escape.
    server.log.uvicorn('ERROR', 'Exception in ASGI application');
    exchange.send(500, 'Internal Server Error', 'text/plain; charset=utf-8', { hasVary: false });
    return;
  }
  const wants = (name: string) => include === undefined || include.includes('all') || include.includes(name);
  const load = loadOf(server, wants);
  if (exchange.query.get('format') === 'prometheus') {
    exchange.send(200, prometheusText(load), 'text/plain; version=0.0.4; charset=utf-8');
    return;
  }
  exchange.sendJson(200, {
    timestamp: new Date().toISOString().replace('Z', '000+00:00'),
    version: sglangVersion,
    accelerator: null,
    num_accelerators: 1,
    loads: [load],
  });
}

function loadOf({ engine, options }: ServerState, wants: (section: string) => boolean): Load {
  const snapshot = engine.core.snapshot();
  const { usedTokens, maxTotalTokens, totals } = snapshot;
  const uncachedTokens = totals.promptTokens - totals.cachedTokens;
  const { prefillTokensPerSecond } = options.settings;
  return {
    timestamp: Date.now() / 1_000,
    dp_rank: 0,
    num_running_reqs: snapshot.runningRequests,
    num_waiting_reqs: snapshot.waitingRequests,
    num_waiting_uncached_tokens: snapshot.pendingTokens,
    num_used_tokens: usedTokens,
    num_total_tokens: usedTokens + snapshot.pendingTokens,
    num_active_tokens: usedTokens,
    num_prealloc_ready_tokens: 0,
    max_total_num_tokens: maxTotalTokens,
    max_running_requests: options.settings.maxRunningRequests,
    token_usage: rounded(usedTokens / maxTotalTokens),
    gen_throughput: rounded(snapshot.generatedTokensPerSecond),
    cache_hit_rate: rounded(hitRate(snapshot)),
    utilization: 0,
    total_prefill_uncached_tokens: uncachedTokens,
    total_prefill_busy_us: Math.round((uncachedTokens / prefillTokensPerSecond) * 1e6),
    decode_moments: [0, 0, 0, 0, 0, 0],
    ...(wants('memory') && {
      memory: { weight_gb: 0, kv_cache_gb: 0, graph_gb: 0, token_capacity: maxTotalTokens },
    }),
    ...(wants('disagg') && { disaggregation: idleDisaggregation }),
    ...(wants('queues') && {
      queues: { waiting: snapshot.waitingRequests, grammar: 0, paused: 0, retracted: 0, prealloc_ready: 0 },
    }),
  };
}

const idleDisaggregation = {
  mode: 'null',
  prefill_bootstrap_queue_reqs: 0,
  prefill_inflight_queue_reqs: 0,
  decode_prealloc_queue_reqs: 0,
  decode_transfer_queue_reqs: 0,
  decode_retracted_queue_reqs: 0,
  kv_transfer_speed_gb_s: 0,
  kv_transfer_latency_ms: 0,
};

function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}

function prometheusText(load: Load): string {
  const lines: string[] = [];
  const add = (name: string, field: string, value: unknown) => {
    if (typeof value !== 'number') return;
    const text = floatFields.has(field) ? pythonFloat(value) : String(value);
    lines.push(`# TYPE sglang_${name} gauge`, `sglang_${name}{dp_rank="0"} ${text}`);
  };
  for (const [field, value] of Object.entries(load)) {
    if (field === 'dp_rank') continue;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      const prefix = prometheusPrefixes[field] ?? field;
      for (const [inner, innerValue] of Object.entries(value)) add(`${prefix}_${inner}`, inner, innerValue);
    } else {
      add(field, field, value);
    }
  }
  return `${lines.join('\n')}\n`;
}
