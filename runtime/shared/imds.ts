import { setTimeout as delay } from 'node:timers/promises';
import { isWorthAnotherAttempt, MetadataError, saysAbsent } from './imds-error.ts';
import { exchangeMetadata, type MetadataAnswer } from './imds-exchange.ts';
import { MetadataToken } from './imds-token.ts';

export interface ImdsOptions {
  /** @default - see `metadataEndpoint` */
  readonly endpoint?: string | undefined;
  /** For the token and for the item, each attempt, in ms. @default 1000 */
  readonly timeoutMs?: number;
  /** For one item. @default 3 */
  readonly attempts?: number;
  /** Life of a session token in seconds, 1 to 21600. @default 21600 */
  readonly tokenTtlSeconds?: number;
  /** Monotonic time in ms. @default - performance.now */
  readonly now?: () => number;
}

/** One item of the instance metadata. */
export interface MetadataItem {
  readonly text: string;
  /** The service's own time, ms since the epoch, to the second; undefined when it did not say. */
  readonly sentAtMs: number | undefined;
}

/** The service's address on every instance. */
export const linkLocalEndpoint = 'http://169.254.169.254';

/** Waits between the attempts for one item, in ms; the last one repeats. */
const attemptWaitsMs = [50, 200];

/**
 * The EC2 instance metadata service, version 2 only (a session token for every read).
 *
 * Off AWS nothing answers at its address. The first read finds that out within `timeoutMs`; it and all further reads
 * give undefined, until `recheck`. Once the service has answered it is there: from then on silence is an error.
 */
export class InstanceMetadata {
  readonly #endpoint: string | undefined;
  readonly #timeoutMs: number;
  readonly #attempts: number;
  readonly #token: MetadataToken;
  #presence: 'unknown' | 'present' | 'absent';

  constructor(options: ImdsOptions = {}) {
    this.#endpoint = options.endpoint ?? metadataEndpoint();
    this.#timeoutMs = options.timeoutMs ?? 1_000;
    this.#attempts = options.attempts ?? 3;
    this.#presence = this.#endpoint === undefined ? 'absent' : 'unknown';
    this.#token = new MetadataToken({
      endpoint: this.#endpoint ?? '',
      timeoutMs: this.#timeoutMs,
      ttlSeconds: options.tokenTtlSeconds ?? 21_600,
      now: options.now ?? (() => performance.now()),
    });
  }

  /**
   * One item below `/latest/meta-data/`, for example `instance-id`.
   * Undefined when the machine has no metadata service or when the item does not exist (404).
   * @throws after the last attempt, and when `signal` aborts
   */
  async read(path: string, signal?: AbortSignal): Promise<MetadataItem | undefined> {
    for (let attempt = 1; ; attempt++) {
      signal?.throwIfAborted();
      if (this.#presence === 'absent') return undefined;
      try {
        return await orAbort(this.#readOnce(path), signal);
      } catch (error) {
        signal?.throwIfAborted();
        if (attempt >= this.#attempts || !isWorthAnotherAttempt(error)) throw error;
      }
      const waitMs = attemptWaitsMs[Math.min(attempt, attemptWaitsMs.length) - 1]!;
      // Uneven, so that processes that were refused together do not come back together.
      await delay(waitMs * (0.5 + Math.random()), undefined, { ...(signal && { signal }) });
    }
  }

  /** Forgets that nothing answered: the next read looks again. Without effect when the service is switched off. */
  recheck(): void {
    if (this.#presence === 'absent' && this.#endpoint !== undefined) this.#presence = 'unknown';
  }

  async #readOnce(path: string): Promise<MetadataItem | undefined> {
    const token = await this.#tokenIfPresent();
    if (token === undefined) return undefined;
    let answer = await this.#get(path, token);
    if (answer.status === 401) {
      this.#token.drop(token);
      answer = await this.#get(path, await this.#token.get());
    }
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) throw new MetadataError(path, answer.status);
    return { text: answer.text, sentAtMs: answer.sentAtMs };
  }

  async #tokenIfPresent(): Promise<string | undefined> {
    try {
      const token = await this.#token.get();
      this.#presence = 'present';
      return token;
    } catch (error) {
      if (this.#presence === 'present' || !saysAbsent(error)) throw error;
      this.#presence = 'absent';
      return undefined;
    }
  }

  #get(path: string, token: string): Promise<MetadataAnswer> {
    return exchangeMetadata({
      url: `${this.#endpoint}/latest/meta-data/${path}`,
      method: 'GET',
      headers: { 'x-aws-ec2-metadata-token': token },
      timeoutMs: this.#timeoutMs,
    });
  }
}

/**
 * Where the metadata service is, by the environment variables of the AWS SDKs: `AWS_EC2_METADATA_SERVICE_ENDPOINT`, or
 * `AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE` (IPv4 or IPv6). Undefined when `AWS_EC2_METADATA_DISABLED` says so.
 */
export function metadataEndpoint(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const { AWS_EC2_METADATA_DISABLED: isDisabled, AWS_EC2_METADATA_SERVICE_ENDPOINT: endpoint } = environment;
  if (isDisabled && isDisabled !== 'false') return undefined;
  if (endpoint) return endpoint.replace(/\/+$/, '');
  const mode = environment['AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE'];
  return mode?.toLowerCase() === 'ipv6' ? 'http://[fd00:ec2::254]' : linkLocalEndpoint;
}

/** The instance's region, undefined off AWS. @throws when the service is there and fails */
export async function readRegion(options?: ImdsOptions): Promise<string | undefined> {
  return regionOf(await new InstanceMetadata(options).read('placement/region'));
}

/** The region in the item `placement/region`; undefined for anything that cannot be one, since it becomes a host name. */
export function regionOf(item: MetadataItem | undefined): string | undefined {
  const region = item?.text.trim();
  return region !== undefined && /^[a-z][a-z0-9-]{2,31}$/.test(region) ? region : undefined;
}

/** One read is shared by nobody, but its token is: an abort ends the wait, not the request. */
async function orAbort<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await work;
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
