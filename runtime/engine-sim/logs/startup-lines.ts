import type { ResolvedServerOptions } from '../server-options.ts';
import { pythonRepr } from '../validation/python-repr.ts';

/** What an SGLang server logs while it loads, in the phases that a watcher can tell apart. */

export function argumentLines(options: ResolvedServerOptions): string[] {
  const { modelName, host, port, settings, contextLength } = options;
  const values = {
    model_path: modelName,
    tokenizer_path: modelName,
    load_format: 'dummy',
    context_length: contextLength,
    host,
    port,
    served_model_name: modelName,
    max_running_requests: settings.maxRunningRequests,
    max_queued_requests: settings.maxQueuedRequests ?? null,
    max_total_tokens: settings.maxTotalTokens,
    chunked_prefill_size: settings.chunkedPrefillTokens,
    page_size: settings.cacheBlockTokens,
    decode_log_interval: settings.decodeLogInterval,
    enable_metrics: options.enableMetrics,
    enable_cache_report: options.enableCacheReport,
  };
  return [
    `server_args=${pythonRepr(values)}`,
    'Using default HuggingFace chat template with detected content format: string',
    'Init parallel begin.',
    'Init parallel ends. elapsed=0.00 s',
    'Memory baseline taken. mem usage=0.00 GB',
    'Load weight begin. avail mem=0.00 GB',
  ];
}

export function loadedLines({ settings, contextLength, startupSeconds }: ResolvedServerOptions): string[] {
  const { maxTotalTokens, chunkedPrefillTokens, maxRunningRequests } = settings;
  const seconds = startupSeconds.toFixed(2);
  return [
    `Load weight end. elapsed=${seconds} s, type=LlamaForCausalLM, avail mem=0.00 GB, mem usage=0.00 GB.`,
    `KV Cache is allocated. dtype: torch.bfloat16, #tokens: ${maxTotalTokens}, K size: 0.00 GB, V size: 0.00 GB`,
    'Memory pool end. avail mem=0.00 GB',
    `max_total_num_tokens=${maxTotalTokens}, chunked_prefill_size=${chunkedPrefillTokens}, max_prefill_tokens=16384, ` +
      `max_running_requests=${maxRunningRequests}, context_len=${contextLength}, available_gpu_mem=0.00 GB`,
    'Tree cache initialized: source=default impl=UnifiedRadixCache hybrid_swa=False hybrid_ssm=False hicache_attached=False',
    `Engine startup timings (s): load_weight=${seconds}, kv_cache_allocation=0.00, scheduler_e2e=${seconds}, tokenizer_e2e=${seconds}`,
  ];
}

/** uvicorn's own, in two halves around the binding of the port. */
export const bindingLines = {
  before: (pid: number) => [`Started server process [${pid}]`, 'Waiting for application startup.'],
  after: (url: string) => ['Application startup complete.', `Uvicorn running on ${url} (Press CTRL+C to quit)`],
};

export const readyLine = 'The server is fired up and ready to roll!';

export function shutdownLines(pid: number): string[] {
  return [
    'Shutting down',
    'Waiting for application shutdown.',
    'Application shutdown complete.',
    `Finished server process [${pid}]`,
  ];
}
