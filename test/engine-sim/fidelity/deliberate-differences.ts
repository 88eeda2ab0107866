import type { WireShape } from './wire-shape.ts';

/** Where the simulator answers differently from SGLang 0.5.23 on purpose. */
export interface DeliberateDifference {
  readonly scenarios: readonly string[];
  readonly what: string;
  readonly why: string;
  /** Takes the difference out of a shape, so that the rest must still be equal. */
  readonly reconcile: (shape: WireShape) => unknown;
}

/** Metric families that the simulator serves; of each, type and labels are compared. */
const servedFamilies = [
  ...['time_to_first_token_seconds', 'e2e_request_latency_seconds', 'inter_token_latency_seconds'],
  ...['http_requests_total', 'http_responses_total', 'prompt_tokens_total', 'generation_tokens_total'],
  ...['num_requests_total', 'cached_tokens_total', 'num_aborted_requests_total', 'num_running_reqs'],
  ...['num_queue_reqs', 'num_used_tokens', 'token_usage', 'full_token_usage', 'gen_throughput', 'cache_hit_rate'],
  ...['max_total_num_tokens', 'kv_available_tokens', 'kv_evictable_tokens', 'kv_used_tokens', 'num_retracted_reqs'],
  ...['num_grammar_queue_reqs', 'utilization', 'page_size', 'context_len', 'realtime_tokens_total'],
].map((name) => `sglang:${name}`);

/** Differences that no capture shows. */
export const otherDifferences: readonly Pick<DeliberateDifference, 'what' | 'why'>[] = [
  {
    what: 'The text depends on the prompt alone: temperature, penalties, seeds and `n` are checked and change nothing.',
    why: 'A stream that is continued elsewhere must go on with the very same text.',
  },
  {
    what: 'A stream has exactly one event per token, and events that are due together share a chunk.',
    why: 'SGLang joins tokens by chance of timing; a test that counts them must not. Sharing a write keeps it cheap.',
  },
  {
    what: 'Another tokenizer: word pieces of 4 characters and bytes, with large ids.',
    why: 'Token boundaries must not move when a partial answer is appended to its prompt.',
  },
  {
    what: 'Whole numbers that Python holds as floats are written without `.0` in JSON.',
    why: 'JSON knows one kind of number; in `/metrics` and the Prometheus form of `/v1/loads` they are written as Python does.',
  },
  {
    what: '`queue_time` is 0, and there is no histogram of it; `decode_moments` are zeros.',
    why: 'The engine model does not report when a request left the queue.',
  },
  {
    what: 'Tools are part of the prompt and never called; grammars, LoRA, images and data parallelism are refused as by a server without them.',
    why: 'The model of language has no use for them.',
  },
  {
    what: '`/v1/responses` does not remember; `/v1/rerank`, `/v1/score`, `/v1/classify` and audio are 404.',
    why: 'Nothing in the fleet depends on what they answer, only on their being passed through.',
  },
  {
    what: 'A drained server exits with status 0.',
    why: 'SGLang kills itself with SIGKILL (137 under a shell); the log could be cut.',
  },
  {
    what: '`POST /sim/faults` exists.',
    why: 'Faults on demand.',
  },
];

/** Both lists as the table of docs/simulator.md. */
export function renderDifferences(): string {
  const rows = [...deliberateDifferences, ...otherDifferences].map(({ what, why }) => `| ${what} | ${why} |`);
  return ['| Difference | Reason |', '|---|---|', ...rows].join('\n');
}

export const deliberateDifferences: readonly DeliberateDifference[] = [
  {
    scenarios: ['get_metrics_before', 'get_metrics_busy', 'get_metrics_after'],
    what: '`/metrics` has 27 of the 86 metric families.',
    why: 'The others describe parts that the model of an engine has not (speculation, disaggregation, CUDA graphs, host caches) or that nothing in the fleet reads.',
    reconcile: (shape) => ({
      ...shape,
      body: Object.entries(shape.body as Record<string, string>)
        .filter(([name]) => servedFamilies.includes(name))
        .sort(),
    }),
  },
  {
    scenarios: ['get_server_info', 'get_server_info_old', 'get_server_info_after'],
    what: '`/server_info` has all keys in the same order, and the values of another machine.',
    why: 'The captured server ran a tiny model on a CPU; its memory sizes, times, seeds and command line are its own.',
    reconcile: (shape) => ({ ...shape, body: keysOnly(shape.body) }),
  },
  {
    scenarios: ['get_openapi'],
    what: '`/openapi.json` lists the paths without their schemas.',
    why: '230 kB of generated schema that no client of an inference fleet reads.',
    reconcile: ({ status, headers }) => ({ status, headers }),
  },
  {
    scenarios: ['responses'],
    what: '`/v1/responses` counts all output tokens.',
    why: 'SGLang 0.5.23 counted 2 where it had made 4 and said so in `incomplete_details`.',
    reconcile: (shape) => JSON.parse(JSON.stringify(shape).replace(/\["output_tokens",\d+\]/, '["output_tokens",0]')),
  },
  {
    scenarios: ['get_v1_models_one'],
    what: 'The model id in the message is the one that was asked for.',
    why: 'The path in the captured answer was renamed after the capture, in the request only.',
    reconcile: (shape) => JSON.parse(JSON.stringify(shape).replace("'tmp/", "'opt/")),
  },
];

/** Key lists of nested objects, without values. Objects are lists of pairs by now. */
function keysOnly(shape: unknown): unknown {
  if (!Array.isArray(shape)) return 'value';
  const isObject = shape.length > 0 && shape.every((entry) => Array.isArray(entry) && typeof entry[0] === 'string');
  return isObject ? shape.map(([key, value]) => [key, keysOnly(value)]) : shape.map(keysOnly);
}
