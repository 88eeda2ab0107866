/**
 * The EC2 instance metadata service, version 2 only (a session token for every read).
 * Off AWS nothing answers at its address; every read then gives undefined within `timeoutMs`.
 */
export interface ImdsOptions {
  /** @default 'http://169.254.169.254' */
  readonly endpoint?: string;
  /** For the token and for the read, each, in ms. @default 1000 */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Long enough for the read that follows, in seconds. */
const tokenLifetimeSeconds = 60;

/** The instance's region, undefined off AWS. */
export async function readRegion(options?: ImdsOptions): Promise<string | undefined> {
  return readMetadata('placement/region', options);
}

/**
 * One item below `/latest/meta-data/`, for example `instance-id`.
 * Undefined when the machine has no metadata service or when the item does not exist (404).
 * @throws on any other answer, and when `signal` aborts
 */
export async function readMetadata(path: string, options: ImdsOptions = {}): Promise<string | undefined> {
  const { endpoint = 'http://169.254.169.254', timeoutMs = 1_000, signal } = options;
  const within = () => {
    const timeout = AbortSignal.timeout(timeoutMs);
    return signal ? AbortSignal.any([signal, timeout]) : timeout;
  };
  try {
    const token = await fetch(`${endpoint}/latest/api/token`, {
      method: 'PUT',
      headers: { 'x-aws-ec2-metadata-token-ttl-seconds': String(tokenLifetimeSeconds) },
      signal: within(),
    });
    if (!token.ok) return undefined;
    const response = await fetch(`${endpoint}/latest/meta-data/${path}`, {
      headers: { 'x-aws-ec2-metadata-token': await token.text() },
      signal: within(),
    });
    if (response.status === 404) return undefined;
    if (!response.ok) throw new Error(`The instance metadata service answered ${response.status} for ${path}.`);
    return await response.text();
  } catch (error) {
    signal?.throwIfAborted();
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

/** Nothing listens, the address is not routed, or the time is over: fetch throws TypeError or TimeoutError. */
function isAbsence(error: unknown): boolean {
  const { name } = error as Error;
  return name === 'TypeError' || name === 'TimeoutError';
}
