import { MetadataError } from './imds-error.ts';
import { exchangeMetadata, type MetadataAnswer } from './imds-exchange.ts';

export interface MetadataTokenOptions {
  readonly endpoint: string;
  readonly timeoutMs: number;
  /** Asked for; AWS takes 1 to 21,600 s. */
  readonly ttlSeconds: number;
  /** Monotonic time in ms. */
  readonly now: () => number;
}

/** Share of its life after which a token is renewed. */
const renewAfter = 0.9;

/**
 * The session token of the metadata service (IMDSv2): one for all readers, fetched when first needed and again before
 * it expires. It is never logged and is in no error.
 */
export class MetadataToken {
  readonly #options: MetadataTokenOptions;
  #value: string | undefined;
  #renewAtMs = 0;
  #pending: Promise<string> | undefined;

  constructor(options: MetadataTokenOptions) {
    this.#options = options;
  }

  /** @throws MetadataError, or what the connection failed with */
  get(): Promise<string> {
    if (this.#value !== undefined && this.#options.now() < this.#renewAtMs) return Promise.resolve(this.#value);
    this.#pending ??= this.#fetch().finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  /** The service no longer takes `value`, as after a stop and start of the instance. A token fetched since stays. */
  drop(value: string): void {
    if (this.#value === value) this.#value = undefined;
  }

  async #fetch(): Promise<string> {
    const { endpoint, timeoutMs, ttlSeconds, now } = this.#options;
    const askedAtMs = now();
    const answer = await exchangeMetadata({
      url: `${endpoint}/latest/api/token`,
      method: 'PUT',
      headers: { 'x-aws-ec2-metadata-token-ttl-seconds': String(ttlSeconds) },
      timeoutMs,
    });
    this.#value = tokenOf(answer);
    this.#renewAtMs = askedAtMs + 1_000 * renewAfter * Math.min(ttlSeconds, answer.tokenTtlSeconds ?? ttlSeconds);
    return this.#value;
  }
}

/** Whatever else answers at that address does not know this path, or sends what cannot stand in a header. */
function tokenOf({ status, text }: MetadataAnswer): string {
  if (status !== 200) throw new MetadataError('api/token', status);
  if (!/^[\x21-\x7e]{1,1024}$/.test(text)) throw new MetadataError('api/token', 'no token');
  return text;
}
