import type { Exchange } from '../http/exchange.ts';
import type { ServerState } from '../server-state.ts';
import { sglangVersion } from '../version.ts';
import { embeddingInfo } from './embedding-info.ts';
import { defaultServerArguments } from './server-arguments.ts';

/** GET and HEAD / */
export function root(exchange: Exchange): void {
  exchange.sendJson(200, 'SGLang is running');
}

/** GET /ping: open for SageMaker. */
export function ping(exchange: Exchange): void {
  exchange.send(200, '');
}

/** GET /model_info */
export function modelInfo(exchange: Exchange, { options }: ServerState): void {
  exchange.sendJson(200, {
    model_path: options.modelName,
    served_model_name: options.modelName,
    tokenizer_path: options.modelName,
    is_generation: !options.isEmbedding,
    preferred_sampling_params: null,
    weight_version: 'default',
    load_format: 'dummy',
    reasoning_parser: null,
    tool_call_parser: null,
    disaggregation_mode: 'null',
    has_image_understanding: false,
    has_audio_understanding: false,
    model_type: 'llama',
    architectures: ['LlamaForCausalLM'],
    embedding: embeddingInfo,
  });
}

/** GET /server_info: the server's arguments, then what the scheduler knows, then the arguments as the scheduler has them. */
export function serverInfo(exchange: Exchange, server: ServerState): void {
  const { options, engine } = server;
  const { settings, contextLength, modelName } = options;
  const values = argumentValues(exchange, server);
  const { tokenizer_e2e, ...schedulerTimes } = startupTime(options.startupSeconds);
  const requestLimit = Math.min(contextLength, settings.maxTotalTokens) - 1;
  const { custom_sigquit_handler: _, ...schedulerValues } = values;
  exchange.sendJson(200, {
    ...values,
    launch_command: `--model-path ${modelName}`,
    status: 'ready',
    max_total_num_tokens: settings.maxTotalTokens,
    max_req_input_len: requestLimit - 5,
    startup_time: { ...schedulerTimes, tokenizer_e2e },
    hicache_object_layout: {
      enabled: false,
      backend: null,
      page_size: 1,
      hicache_object_layout: { pools: [] },
      reason: 'Hierarchical cache is disabled',
    },
    kv_events: null,
    internal_states: [
      {
        ...schedulerValues,
        world_size: 1,
        startup_time: schedulerTimes,
        effective_max_running_requests_per_dp: settings.maxRunningRequests,
        last_gen_throughput: engine.core.snapshot().generatedTokensPerSecond,
        memory_usage: {
          weight: 0,
          kvcache: 0,
          startup_available: 0,
          token_capacity: settings.maxTotalTokens,
          token_capacity_swa: null,
          graph: cudaGraphPhases,
        },
        decode_cuda_graph_bs: [],
        decode_cuda_graph_memory_gb: 0,
      },
    ],
    version: sglangVersion,
    frontend: 'python',
  });
}

/** SGLang's arguments with those values that the simulator has. */
function argumentValues({ request }: Exchange, { options }: ServerState): Record<string, unknown> {
  const { settings, modelName } = options;
  return {
    ...defaultServerArguments(),
    model_path: modelName,
    tokenizer_path: modelName,
    served_model_name: modelName,
    context_length: options.contextLength,
    host: options.host,
    port: request.socket.localPort ?? options.port,
    is_embedding: options.isEmbedding,
    max_running_requests: settings.maxRunningRequests,
    max_queued_requests: settings.maxQueuedRequests ?? null,
    max_total_tokens: settings.maxTotalTokens,
    chunked_prefill_size: settings.chunkedPrefillTokens,
    page_size: settings.cacheBlockTokens,
    decode_log_interval: settings.decodeLogInterval,
    enable_metrics: options.enableMetrics,
    enable_cache_report: options.enableCacheReport,
    incremental_streaming_output: options.incrementalStreamingOutput,
    api_key: options.apiKey === undefined ? null : '[redacted]',
  };
}

/** Seconds per phase; the simulator spends all of its start-up on loading weights. */
function startupTime(seconds: number) {
  return {
    load_weight: seconds,
    kv_cache_allocation: 0,
    scheduler_e2e: seconds,
    cuda_graph: cudaGraphPhases,
    tokenizer_e2e: seconds,
  };
}

const cudaGraphPhases = {
  prefill: 0,
  decode: 0,
  target_verify: 0,
  draft_prefill: 0,
  draft_decode: 0,
  draft_extend: 0,
};

/** The names before 0.5.6 still work, with a warning at every call. */
export function deprecated(
  oldPath: string,
  newPath: string,
  handler: (exchange: Exchange, server: ServerState) => void,
) {
  return (exchange: Exchange, server: ServerState): void => {
    server.log.line(
      `Endpoint '${oldPath}' is deprecated and will be removed in a future version. Please use '${newPath}' instead.`,
    );
    handler(exchange, server);
  };
}
