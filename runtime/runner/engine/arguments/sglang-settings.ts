/** How the value of a setting is written. A `list` becomes several words behind one flag, `json` one word. */
export type SettingKind = 'switch' | 'integer' | 'number' | 'text' | 'list' | 'json';

export interface SglangSetting {
  /** Our name. */
  readonly name: string;
  /** SGLang's current spelling. */
  readonly flag: string;
  readonly kind: SettingKind;
  /** Other spellings with the same meaning in every SGLang version: the current one is written in their place. */
  readonly aliases: readonly string[];
  /** Spellings of before a rename. They stay as they are, since an older SGLang knows nothing else. */
  readonly oldFlags: readonly string[];
  /** The value never reaches a message or a log. */
  readonly isSecret: boolean;
}

type Details = Partial<Pick<SglangSetting, 'aliases' | 'oldFlags' | 'isSecret'>>;

function row(name: string, flag: string, kind: SettingKind, details: Details = {}): SglangSetting {
  return { name, flag, kind, aliases: [], oldFlags: [], isSecret: false, ...details };
}

/**
 * Our names and SGLang's flags (0.5.23, with the names of 0.4 and 0.5 that were renamed). SGLang has some 470 flags and gains five a
 * week, so this lists those with several spellings, those that fleets set most, and those that contradict others; any
 * other flag passes through as it is. `--tp` and `--dp` work in SGLang only while no other flag begins with them.
 */
export const sglangSettings: readonly SglangSetting[] = [
  row('modelPath', '--model-path', 'text', { aliases: ['--model'] }),
  row('host', '--host', 'text'),
  row('port', '--port', 'integer'),
  row('servedModelName', '--served-model-name', 'text'),
  row('tokenizerPath', '--tokenizer-path', 'text'),
  row('revision', '--revision', 'text'),
  row('loadFormat', '--load-format', 'text'),
  row('downloadDir', '--download-dir', 'text'),
  row('weightVersion', '--weight-version', 'text'),
  row('chatTemplate', '--chat-template', 'text'),
  row('trustRemoteCode', '--trust-remote-code', 'switch'),
  row('jsonModelOverrideArgs', '--json-model-override-args', 'json'),
  row('skipServerWarmup', '--skip-server-warmup', 'switch'),
  row('isEmbedding', '--is-embedding', 'switch'),

  row('dtype', '--dtype', 'text'),
  row('quantization', '--quantization', 'text'),
  row('kvCacheDtype', '--kv-cache-dtype', 'text'),
  row('contextLength', '--context-length', 'integer'),
  row('memFractionStatic', '--mem-fraction-static', 'number'),
  row('maxTotalTokens', '--max-total-tokens', 'integer'),
  row('maxRunningRequests', '--max-running-requests', 'integer'),
  row('maxQueuedRequests', '--max-queued-requests', 'integer'),
  row('chunkedPrefillSize', '--chunked-prefill-size', 'integer'),
  row('maxPrefillTokens', '--max-prefill-tokens', 'integer'),
  row('pageSize', '--page-size', 'integer'),
  row('schedulePolicy', '--schedule-policy', 'text'),
  row('scheduleConservativeness', '--schedule-conservativeness', 'number'),
  row('enablePriorityScheduling', '--enable-priority-scheduling', 'switch'),
  row('disableRadixCache', '--disable-radix-cache', 'switch'),
  row('enableHierarchicalCache', '--enable-hierarchical-cache', 'switch', { aliases: ['--enable-hicache'] }),
  row('hicacheRatio', '--hicache-ratio', 'number'),
  row('hicacheSize', '--hicache-size', 'integer'),
  row('hicacheStorageBackend', '--hicache-storage-backend', 'text'),
  row('hicacheStorageBackendExtraConfig', '--hicache-storage-backend-extra-config', 'json'),

  row('tensorParallelSize', '--tp-size', 'integer', { aliases: ['--tensor-parallel-size', '--tp'] }),
  row('dataParallelSize', '--dp-size', 'integer', { aliases: ['--data-parallel-size', '--dp'] }),
  row('pipelineParallelSize', '--pp-size', 'integer', { aliases: ['--pipeline-parallel-size', '--pp'] }),
  row('expertParallelSize', '--ep-size', 'integer', { aliases: ['--expert-parallel-size', '--ep'] }),
  row('decodeContextParallelSize', '--dcp-size', 'integer', { aliases: ['--decode-context-parallel-size'] }),
  row('attentionDataParallelSize', '--attn-dp-size', 'integer', { aliases: ['--attention-data-parallel-size'] }),
  row('attentionContextParallelSize', '--attn-cp-size', 'integer', { aliases: ['--attention-context-parallel-size'] }),
  row('moeDataParallelSize', '--moe-dp-size', 'integer', { aliases: ['--moe-data-parallel-size'] }),
  row('enableDpAttention', '--enable-dp-attention', 'switch'),
  row('loadBalanceMethod', '--load-balance-method', 'text'),
  row('nodeCount', '--nnodes', 'integer'),
  row('nodeRank', '--node-rank', 'integer'),
  row('distInitAddr', '--dist-init-addr', 'text', { aliases: ['--nccl-init-addr'] }),
  row('baseGpuId', '--base-gpu-id', 'integer'),

  row('attentionBackend', '--attention-backend', 'text'),
  row('moeRunnerBackend', '--moe-runner-backend', 'text'),
  row('moeA2aBackend', '--moe-a2a-backend', 'text'),
  row('disableCudaGraph', '--disable-cuda-graph', 'switch'),
  row('cudaGraphBackendDecode', '--cuda-graph-backend-decode', 'text'),
  row('cudaGraphBackendPrefill', '--cuda-graph-backend-prefill', 'text'),
  row('cudaGraphMaxBatchSize', '--cuda-graph-max-bs-decode', 'integer', { oldFlags: ['--cuda-graph-max-bs'] }),
  row('cudaGraphBatchSizes', '--cuda-graph-bs-decode', 'list', { oldFlags: ['--cuda-graph-bs'] }),
  row('speculativeAlgorithm', '--speculative-algorithm', 'text'),
  row('speculativeDraftModelPath', '--speculative-draft-model-path', 'text', {
    aliases: ['--speculative-draft-model'],
  }),
  row('speculativeNumSteps', '--speculative-num-steps', 'integer'),
  row('speculativeEagleTopk', '--speculative-eagle-topk', 'integer'),
  row('speculativeNumDraftTokens', '--speculative-num-draft-tokens', 'integer'),
  row('loraPaths', '--lora-paths', 'list'),
  row('maxLorasPerBatch', '--max-loras-per-batch', 'integer'),
  row('mambaRadixCacheStrategy', '--mamba-radix-cache-strategy', 'text', { oldFlags: ['--mamba-scheduler-strategy'] }),

  row('toolCallParser', '--tool-call-parser', 'text'),
  row('reasoningParser', '--reasoning-parser', 'text'),
  row('incrementalStreamingOutput', '--incremental-streaming-output', 'switch', { oldFlags: ['--stream-output'] }),
  row('streamInterval', '--stream-interval', 'integer'),
  row('apiKey', '--api-key', 'text', { isSecret: true }),
  row('adminApiKey', '--admin-api-key', 'text', { isSecret: true }),
  row('tokenizerWorkers', '--tokenizer-worker-num', 'integer'),
  row('enableMetrics', '--enable-metrics', 'switch'),
  row('enableCacheReport', '--enable-cache-report', 'switch'),
  row('extraMetricLabels', '--extra-metric-labels', 'json'),
  row('kvEventsConfig', '--kv-events-config', 'json'),
  row('logLevel', '--log-level', 'text'),
  row('decodeLogInterval', '--decode-log-interval', 'integer'),
  row('logRequests', '--log-requests', 'switch'),
  row('logRequestsLevel', '--log-requests-level', 'integer'),
  row('watchdogTimeout', '--watchdog-timeout', 'number'),
  row('distTimeout', '--dist-timeout', 'integer'),
  row('crashDumpFolder', '--crash-dump-folder', 'text'),
  row('randomSeed', '--random-seed', 'integer'),

  row('disaggregationMode', '--disaggregation-mode', 'text'),
  row('disaggregationTransferBackend', '--disaggregation-transfer-backend', 'text'),
  row('disaggregationBootstrapPort', '--disaggregation-bootstrap-port', 'integer'),
  row('disaggregationIbDevice', '--disaggregation-ib-device', 'text'),
];

export interface Spelling {
  readonly setting: SglangSetting;
  /** The flag to write: the current one, except for a name of before a rename. */
  readonly flag: string;
}

const spellings: ReadonlyMap<string, Spelling> = new Map(
  sglangSettings.flatMap((setting) => {
    const current = [setting.flag, `--${kebabCase(setting.name)}`, ...setting.aliases];
    return [
      ...setting.oldFlags.map((flag) => [flag, { setting, flag }] as const),
      ...current.map((spelling) => [spelling, { setting, flag: setting.flag }] as const),
    ];
  }),
);

/** The setting that people mean by `tensorParallelSize`, `tensor_parallel_size`, `tp`, `--tp` or `--tp-size`; undefined for a flag that is not in the table. */
export function findSetting(spelling: string): Spelling | undefined {
  return spellings.get(flagOf(spelling));
}

/** Any way to write a name, as a flag: `memFractionStatic` and `mem_fraction_static` are `--mem-fraction-static`. */
export function flagOf(spelling: string): string {
  return `--${kebabCase(spelling.replace(/^-+/, ''))}`;
}

function kebabCase(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replaceAll('_', '-')
    .toLowerCase();
}
