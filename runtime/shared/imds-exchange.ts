import { Agent, request } from 'node:http';

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
 * Without a proxy, whatever the environment says, and without redirects: the token must not leave the machine. Without
 * kept connections: one item every two seconds does not need them, and there are none to go stale.
 */
const direct = new Agent({ keepAlive: false });

/** @throws what the connection failed with, `TimeoutError` past the time limit, RangeError for an answer too long */
export function exchangeMetadata({ url, method, headers, timeoutMs }: MetadataRequest): Promise<MetadataAnswer> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs);
    // An abort shows as an error of its own kind; the reason tells a time-out from a connection that was cut.
    const fail = (error: unknown) => reject(signal.aborted ? signal.reason : error);
    const outgoing = request(url, { method, headers, agent: direct, signal }, async (incoming) => {
      try {
        const chunks: Buffer[] = [];
        let bytes = 0;
        for await (const chunk of incoming as AsyncIterable<Buffer>) {
          bytes += chunk.length;
          if (bytes > maxAnswerBytes) throw new RangeError(`The answer has more than ${maxAnswerBytes} bytes.`);
          chunks.push(chunk);
        }
        resolve({
          status: incoming.statusCode!,
          text: Buffer.concat(chunks).toString('utf8'),
          tokenTtlSeconds: wholeNumber(incoming.headers['x-aws-ec2-metadata-token-ttl-seconds']),
          sentAtMs: instant(incoming.headers.date),
        });
      } catch (error) {
        fail(error);
      }
    });
    outgoing.on('error', fail);
    outgoing.end();
  });
}

function wholeNumber(header: string | string[] | undefined): number | undefined {
  return typeof header === 'string' && /^\d{1,9}$/.test(header) ? Number(header) : undefined;
}

function instant(header: string | undefined): number | undefined {
  const ms = header === undefined ? Number.NaN : Date.parse(header);
  return Number.isNaN(ms) ? undefined : ms;
}
