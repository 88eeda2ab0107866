import { exchangeText } from './http/exchange-text.ts';

/** One request to the instance metadata service. */
export interface MetadataRequest {
  readonly url: string;
  readonly method: 'GET' | 'PUT';
  readonly headers: Readonly<Record<string, string>>;
  /** For the connection and the whole answer, in ms. */
  readonly timeoutMs: number;
}

export interface MetadataAnswer {
  readonly status: number;
  readonly text: string;
  /** Life time of the token in the answer, in seconds; undefined when the answer names none. */
  readonly tokenTtlSeconds: number | undefined;
  /** The service's own time, ms since the epoch, to the second; undefined when the answer has none. */
  readonly sentAtMs: number | undefined;
}

/** Longest answer that is read. The longest item there is, an instance's user data, is not asked for here. */
const maxAnswerBytes = 64 * 1_024;

/**
 * Without kept connections: one item every two seconds does not need them, and there are none to go stale. Neither proxies nor
 * redirects: the token must not leave the machine.
 * @throws see `exchangeText`
 */
export async function exchangeMetadata({ url, method, headers, timeoutMs }: MetadataRequest): Promise<MetadataAnswer> {
  const exchange = { method, headers, timeoutMs, maxBytes: maxAnswerBytes, keepsConnection: false };
  const answer = await exchangeText(url, exchange);
  return {
    status: answer.status,
    text: answer.text,
    tokenTtlSeconds: wholeNumber(headerIn(answer.rawHeaders, 'x-aws-ec2-metadata-token-ttl-seconds')),
    sentAtMs: instant(headerIn(answer.rawHeaders, 'date')),
  };
}

/** The first value; undefined when there is none. */
function headerIn(rawHeaders: readonly string[], name: string): string | undefined {
  const at = rawHeaders.findIndex((each, i) => i % 2 === 0 && each.toLowerCase() === name);
  return at < 0 ? undefined : rawHeaders[at + 1];
}

function wholeNumber(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,9}$/.test(header) ? Number(header) : undefined;
}

function instant(header: string | undefined): number | undefined {
  const ms = header === undefined ? Number.NaN : Date.parse(header);
  return Number.isNaN(ms) ? undefined : ms;
}
