import type { CodedError } from '../../shared/errors.ts';
import { routerError } from '../errors.ts';
import type { Refusal } from './key-meter.ts';

/** Nobody knows when one of a key's own requests ends; clients that back off by themselves start from here. */
const concurrencyRetrySeconds = 1;
const maxQueueRetrySeconds = 30;
const timeoutRetrySeconds = 5;

/** The key is over one of its limits: 429, the client is at fault and can tell when to come back. */
export function rateLimited(keyId: string, refusal: Refusal): CodedError {
  const { limit, allowed, retryAfterMs } = refusal;
  const retryAfterSeconds = retryAfterMs === undefined ? concurrencyRetrySeconds : wholeSeconds(retryAfterMs);
  return routerError('RATE_LIMITED', { keyId, limit, allowed, retryAfterSeconds }, { retryAfterSeconds });
}

/** 429: come back when the queue has moved on, which takes about as long as the last one to leave it waited. */
export function queueFull(running: number, waiting: number, waitingBytes: number, lastWaitMs: number): CodedError {
  const retryAfterSeconds = Math.min(wholeSeconds(lastWaitMs), maxQueueRetrySeconds);
  return routerError('QUEUE_FULL', { running, waiting, waitingBytes, retryAfterSeconds }, { retryAfterSeconds });
}

/** 503: the request was taken in and the fleet could not serve it in time. */
export function queueTimeout(waitedMs: number): CodedError {
  const values = { waitedSeconds: Math.round(waitedMs / 1_000), retryAfterSeconds: timeoutRetrySeconds };
  return routerError('QUEUE_TIMEOUT', values, { retryAfterSeconds: timeoutRetrySeconds });
}

/** `Retry-After` counts whole seconds; rounding down would send clients back too early. */
function wholeSeconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1_000));
}
