/**
 * The share of its remaining `max_new_tokens` that a running request is expected to use, by which admission reserves
 * memory. It starts cautious, decays with every decode step and is raised by a retraction (SGLang
 * `Scheduler.new_token_ratio`; defaults of `SGLANG_INIT_NEW_TOKEN_RATIO`, `_MIN_NEW_TOKEN_RATIO_FACTOR` and
 * `_NEW_TOKEN_RATIO_DECAY_STEPS`, `SGLANG_RETRACT_DECODE_STEPS` and `SGLANG_CLIP_MAX_NEW_TOKENS_ESTIMATION`).
 */
export function initialNewTokenRatio(scheduleConservativeness = 1): number {
  return Math.min(1, 0.7 * scheduleConservativeness);
}

/** Least ratio, as a share of the initial one; 600 decode steps lead there. */
const floorShare = 0.14;
const decaySteps = 600;

/** Decode steps for which a retraction makes room. */
export const retractDecodeSteps = 20;

/** No request is expected to generate more than this when memory is reserved for it. */
export const maxReservedNewTokens = 4_096;

/** The ratio after a decode step. */
export function decayedNewTokenRatio(ratio: number, initial: number): number {
  const floor = initial * floorShare;
  return Math.max(ratio - (initial - floor) / decaySteps, floor);
}

/** The ratio after a retraction, from the requests that stay: what they use so far, and a little more. */
export function newTokenRatioAfterRetraction(
  requests: readonly { readonly generatedTokens: number; readonly maxNewTokens: number }[],
): number {
  let generatedTokens = 0;
  let maxNewTokens = 0;
  for (const request of requests) {
    generatedTokens += request.generatedTokens;
    maxNewTokens += request.maxNewTokens;
  }
  return Math.min(1, (generatedTokens + retractDecodeSteps * requests.length) / (maxNewTokens + 1));
}
