import { nativeLogprobs } from './log-probabilities.ts';
import type { Sequence } from './sequence.ts';
import { weightVersions } from './usage.ts';

/** Turns engine milliseconds into seconds since the epoch. */
export type ToUnixSeconds = (engineMs: number) => number;

export interface MetaInfoOptions {
  readonly toUnixSeconds: ToUnixSeconds;
  readonly hasLogprobs: boolean;
  /** Where the answer goes out in one piece, SGLang stamps the sending last. */
  readonly isStream: boolean;
}

/**
 * SGLang's `meta_info` after `completionTokens` tokens, keys in the order in which 0.5.23 with metrics writes them.
 * All times are those of the engine, so that latencies are right at any time scale.
 */
export function metaInfo(sequence: Sequence, completionTokens: number, isLast: boolean, options: MetaInfoOptions) {
  const { end, times } = sequence;
  if (isLast && end?.type === 'abort' && times.firstTokenAt === undefined) return unstartedMetaInfo(sequence);
  const { toUnixSeconds, isStream } = options;
  const firstTokenAt = times.firstTokenAt ?? times.submittedAt;
  const sentAt = toUnixSeconds(isStream ? firstTokenAt : (times.finishedAt ?? firstTokenAt));
  const isFirst = completionTokens <= 1;
  return {
    id: sequence.rid,
    finish_reason: isLast ? end : null,
    prompt_tokens: sequence.promptTokens,
    weight_version: 'default',
    num_retractions: sequence.retractions,
    storage_prefetch_wait: 0,
    storage_staging_wait: 0,
    forward_entry_time: toUnixSeconds(times.submittedAt),
    prefill_finished_time: toUnixSeconds(firstTokenAt),
    queue_time: 0,
    ...(options.hasLogprobs && nativeLogprobs(sequence, completionTokens)),
    reasoning_tokens: 0,
    completion_tokens: completionTokens,
    cached_tokens: sequence.cachedTokens,
    ...(isLast && { weight_versions: weightVersions(sequence) }),
    cached_tokens_details: sequence.cachedTokens > 0 ? { device: sequence.cachedTokens, host: 0 } : null,
    dp_rank: null,
    ...(isLast && startOfFinalTimes(sequence, toUnixSeconds)),
    ...(isStream && (isFirst || isLast) && { response_sent_to_client_ts: sentAt }),
    ...(isLast && endOfFinalTimes(sequence, toUnixSeconds)),
    ...(!isStream && { response_sent_to_client_ts: sentAt }),
  };
}

function startOfFinalTimes({ times }: Sequence, toUnixSeconds: ToUnixSeconds) {
  const { submittedAt, finishedAt = submittedAt, firstTokenAt = submittedAt } = times;
  return {
    e2e_latency: (finishedAt - submittedAt) / 1_000,
    request_received_ts: toUnixSeconds(submittedAt),
    first_token_latency: (firstTokenAt - submittedAt) / 1_000,
    api_server_dispatch_finish_ts: toUnixSeconds(submittedAt),
  };
}

function endOfFinalTimes({ times, completionTokens }: Sequence, toUnixSeconds: ToUnixSeconds) {
  const { submittedAt, finishedAt = submittedAt, firstTokenAt = submittedAt } = times;
  const decodeSeconds = (finishedAt - firstTokenAt) / 1_000;
  return {
    request_finished_ts: toUnixSeconds(finishedAt),
    decode_throughput: decodeSeconds > 0 ? (completionTokens - 1) / decodeSeconds : 0,
  };
}

/** A request that ended in the waiting queue never got further than this. */
function unstartedMetaInfo({ rid, end, times }: Sequence) {
  return {
    id: rid,
    finish_reason: end,
    weight_version: 'default',
    e2e_latency: ((times.finishedAt ?? times.submittedAt) - times.submittedAt) / 1_000,
    completion_tokens: 0,
  };
}
