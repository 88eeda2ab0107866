/** What became of a call that failed. */
export interface Failure {
  /**
   * `refused`: CloudWatch read the request and will never take it as it is.
   * `unreachable`: the same request may succeed later: network, time-out, throttling, credentials, a fault of AWS.
   */
  readonly verdict: 'refused' | 'unreachable';
  /** Name of the error, e.g. `ThrottlingException`, `ECONNREFUSED`. */
  readonly code: string;
  /** HTTP status, when there was an answer. */
  readonly status?: number;
  readonly message: string;
}

/**
 * In AWS JSON protocols every fault of the client, a bad signature as much as a bad value, has status 400, so the name
 * decides. Names as AWS documents them under "Common errors", and those that its SDK retries; `Exception` at their end
 * comes and goes.
 */
const aboutTheCaller =
  /AccessDenied|Auth|Credential|Expired|Forbidden|InvalidAccessKey|InvalidClientTokenId|NotAuthorized|OptInRequired|Signature|SubscriptionRequired|Token|TimeTooSkewed|InTheFuture|UnrecognizedClient/;
const aboutTheMoment =
  /BandwidthLimit|LimitExceeded|InternalFailure|InternalService|PriorRequest|ServiceUnavailable|SlowDown|Throttl|Timeout|TooManyRequests|TransactionInProgress/;
/** Answers that are about the data whoever sent them; others of the 400s come from proxies and wrong addresses. */
const aboutTheData = new Set([400, 411, 413, 414, 415, 422]);

/** Judges anything that a call of the AWS SDK threw. */
export function judgeFailure(error: unknown): Failure {
  const { name, code, $metadata, $fault } = Object(error) as {
    name?: unknown;
    code?: unknown;
    $metadata?: { httpStatusCode?: number };
    $fault?: unknown;
  };
  const status = $metadata?.httpStatusCode;
  const text = textOf(code) ?? textOf(name) ?? 'Error';
  const errorName = $fault === undefined ? text : (textOf(name) ?? text);
  const isRefused =
    $fault === 'client' &&
    aboutTheData.has(status ?? 0) &&
    !aboutTheCaller.test(errorName) &&
    !aboutTheMoment.test(errorName);
  return {
    verdict: isRefused ? 'refused' : 'unreachable',
    code: errorName,
    ...(status !== undefined && { status }),
    message: safeMessage(error),
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, 100) : undefined;
}

/**
 * The first line alone, and no key in it: the answer to a bad signature goes on with the canonical request, which holds
 * the session token.
 */
function safeMessage(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const [line = ''] = message.split(/[\r\n]/, 1);
  return line
    .replaceAll(/\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b/g, '[key]')
    .replaceAll(/[A-Za-z0-9+/=]{60,}/g, '[redacted]')
    .slice(0, 300);
}
