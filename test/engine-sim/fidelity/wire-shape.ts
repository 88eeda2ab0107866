import { eventsOf, headerOf, type RawResponse } from '../support/raw-http.ts';

/**
 * A response reduced to what a client can rely on. Everything counts, values too, except what differs between any two
 * runs of the same server: ids, times, the generated text and the sizes that follow from it.
 */
export interface WireShape {
  readonly status: string;
  /** Names in order with their case; values of those that do not vary. */
  readonly headers: readonly string[];
  /** The body, or the events of a stream with repetitions of one shape counted once. */
  readonly body: unknown;
}

const varyingHeaders = new Set(['date', 'content-length']);

/** Keys whose values are compared by type alone. */
const varyingKeys = new Set([
  ...['id', 'created', 'created_at', 'modified_at', 'timestamp', 'digest', 'session_id'],
  ...['content', 'text', 'token', 'tokens', 'bytes', 'logprob', 'count'],
  ...['output_ids', 'prompt_token_ids', 'response_token_ids', 'output_token_logprobs'],
  ...['prompt_tokens', 'total_tokens', 'input_tokens', 'cache_read_input_tokens', 'device'],
  ...['forward_entry_time', 'prefill_finished_time', 'queue_time', 'e2e_latency', 'request_received_ts'],
  ...['first_token_latency', 'api_server_dispatch_finish_ts', 'request_finished_ts', 'decode_throughput'],
  ...['response_sent_to_client_ts', 'gen_throughput', 'cache_hit_rate', 'token_usage', 'decode_moments'],
  ...['total_prefill_uncached_tokens', 'total_prefill_busy_us', 'num_used_tokens', 'num_total_tokens'],
  ...['num_active_tokens', 'weight_gb', 'kv_cache_gb', 'graph_gb'],
]);

/** What of a body depends on how far it got. */
interface Progress {
  /** Ended from outside, at no particular token. */
  readonly isAborted: boolean;
  /** One event of several, each further than the one before. */
  readonly isStream: boolean;
}

export function wireShape(response: RawResponse, isAborted = false): WireShape {
  return {
    status: `${response.status} ${response.reason}`,
    headers: response.headers.map(([name, value]) =>
      varyingHeaders.has(name.toLowerCase()) ? name : `${name}: ${value}`,
    ),
    body: bodyShape(response, isAborted),
  };
}

function bodyShape(response: RawResponse, isAborted: boolean): unknown {
  const type = headerOf(response, 'content-type') ?? '';
  if (type.startsWith('text/event-stream')) {
    const events = eventsOf(response.body).map(({ event, data }) => {
      const shape = data === '[DONE]' ? data : valueShape(JSON.parse(data), { isAborted, isStream: true });
      return event === undefined ? shape : { event, data: shape };
    });
    const choices = eventsOf(response.body).map(({ data }) => data.match(/"choices":\[\{"index":(\d+)/)?.[1]);
    return new Set(choices).size > 2 ? choiceByChoice(events, choices) : withoutRepetitions(events);
  }
  if (type === 'application/x-ndjson') {
    const lines = response.body.trim().split('\n');
    return withoutRepetitions(lines.map((line) => valueShape(JSON.parse(line), { isAborted, isStream: true })));
  }
  if (type.startsWith('application/json') && response.body !== '')
    return valueShape(JSON.parse(response.body), { isAborted, isStream: false });
  if (response.body.includes('# TYPE')) return metricShape(response.body);
  return response.body;
}

/** Choices of one answer arrive interleaved as they happen to be ready: each is looked at on its own. */
function choiceByChoice(events: readonly unknown[], choices: readonly (string | undefined)[]): unknown {
  const ofChoice = (choice: string | undefined) => withoutRepetitions(events.filter((_, i) => choices[i] === choice));
  return [...new Set(choices)].sort().map((choice) => ({ choice, events: ofChoice(choice) }));
}

/** A server may join the text of several tokens in one event, so runs of one shape say nothing by their length. */
function withoutRepetitions(shapes: readonly unknown[]): unknown[] {
  return shapes.filter((shape, i) => i === 0 || JSON.stringify(shape) !== JSON.stringify(shapes[i - 1]));
}

function valueShape(value: unknown, progress: Progress, key = ''): unknown {
  const { isAborted, isStream } = progress;
  // How far an aborted request came is a matter of timing.
  if (isAborted && ['completion_tokens', 'end', 'length'].includes(key)) return typeof value;
  if (key === 'cached_tokens') return typeof value;
  if (varyingKeys.has(key) && !isObject(value)) return Array.isArray(value) ? 'array' : typeOf(value);
  if (isStream && (key === 'completion_tokens' || key === 'output_token_logprobs_length')) return typeof value;
  if (key === 'message' && typeof value === 'string') return messageShape(value);
  if (Array.isArray(value)) return value.map((entry) => valueShape(entry, progress));
  if (typeof value === 'string' && /^[0-9a-f]{32}$/.test(value)) return 'an id';
  if (!isObject(value)) return value;
  // A list of pairs: the order of keys is part of the shape.
  return Object.entries(value).map(([name, entry]) => [name, valueShape(entry, progress, name)]);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function typeOf(value: unknown): string {
  return value === null ? 'null' : typeof value;
}

/** The tokenizers differ, and so do the places where the servers are installed. */
function messageShape(message: string): string {
  return message.replace(/\d+ tokens/g, 'N tokens').replace(/File "[^"]*http_server.py"/g, 'File "http_server.py"');
}

/** Families with their type and label names. */
function metricShape(text: string): Record<string, string> {
  const shape: Record<string, string> = {};
  for (const [, name, type] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) shape[name!] = type!;
  for (const [, name, labels] of text.matchAll(/^([a-z0-9_:]+)\{([^}]*)\}/gm)) {
    const family = name!.replace(/_(bucket|sum|count)$/, '');
    const owner = family in shape ? family : name!;
    const labelNames = [...labels!.matchAll(/(\w+)="/g)].map(([, label]) => label).filter((label) => label !== 'le');
    shape[owner] = `${shape[owner]?.split(' ')[0]} ${labelNames.join(',')}`;
  }
  return shape;
}
