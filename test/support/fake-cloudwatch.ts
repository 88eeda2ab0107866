import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

/** A metric as it came over the wire. */
export interface ReceivedDatum {
  readonly MetricName: string;
  readonly Dimensions: readonly { readonly Name: string; readonly Value: string }[];
  /** Seconds since the epoch. */
  readonly Timestamp: number;
  readonly Unit: string;
  readonly StorageResolution: number;
  readonly Values: readonly number[];
  readonly Counts?: readonly number[];
}

export interface ReceivedCall {
  readonly namespace: string;
  readonly data: readonly ReceivedDatum[];
  readonly contentEncoding: string | undefined;
  /** Of the body, compressed as it came, and of its JSON. */
  readonly wireBytes: number;
  readonly jsonBytes: number;
  readonly region: string;
}

export interface CloudWatchFault {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

export const throttling: CloudWatchFault = { status: 400, code: 'Throttling', message: 'Rate exceeded' };
export const internalFault: CloudWatchFault = { status: 500, code: 'InternalServiceFault', message: 'try later' };

/** How the next call ends: an error, an answer that never comes, or a cut connection. */
export type Outcome = CloudWatchFault | 'hang' | 'reset';

/**
 * `PutMetricData` of CloudWatch as this machine's AWS SDK speaks it (AWS JSON 1.0, query-compatible errors, gzip), with
 * CloudWatch's limits. Anything else than a signed `PutMetricData` is an error.
 */
export class FakeCloudWatch {
  /** Calls that were taken, oldest first. */
  readonly calls: ReceivedCall[] = [];
  /** Ends for the next calls, first one first; then `always`, then calls succeed. */
  readonly outcomes: Outcome[] = [];
  /** The end of every call, as long as it is set. */
  always: Outcome | undefined;
  /** Names of metrics that are refused beside what breaks a limit. */
  readonly poison = new Set<string>();
  /** All calls, those that failed included. */
  attempts = 0;
  readonly #hanging = new Set<ServerResponse>();
  #server: Server = this.#createServer();
  #port = 0;

  static async start(): Promise<FakeCloudWatch> {
    const fake = new FakeCloudWatch();
    await fake.listen();
    return fake;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** What all calls said about a metric: its values times their counts. */
  sumOf(metricName: string): number {
    return this.datums(metricName).reduce((sum, { Values, Counts }) => {
      return sum + Values.reduce((part, value, index) => part + value * (Counts?.[index] ?? 1), 0);
    }, 0);
  }

  datums(metricName: string): ReceivedDatum[] {
    return this.calls.flatMap(({ data }) => data).filter(({ MetricName }) => MetricName === metricName);
  }

  /** Listens, after `stop` on the port of before. */
  async listen(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Connections are refused from now on. */
  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
    this.#server = this.#createServer();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const response of this.#hanging) response.destroy();
    if (this.#server.listening) await this.stop();
  }

  #createServer(): Server {
    return createServer((request, response) => void this.#answer(request, response));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = Buffer.concat(await request.toArray());
    this.attempts++;
    const outcome = this.outcomes.shift() ?? this.always ?? this.#take(request, body);
    if (outcome === 'hang') {
      this.#hanging.add(response);
    } else if (outcome === 'reset') {
      response.destroy();
    } else if (outcome) {
      const { status, code, message } = outcome;
      response.writeHead(status, {
        'content-type': 'application/x-amz-json-1.0',
        'x-amzn-query-error': `${code};${status < 500 ? 'Sender' : 'Receiver'}`,
      });
      response.end(JSON.stringify({ __type: `com.amazonaws.cloudwatch#${code}`, message }));
    } else {
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' }).end('{}');
    }
  }

  #take(request: IncomingMessage, body: Buffer): CloudWatchFault | undefined {
    const { headers } = request;
    const region = /^AWS4-HMAC-SHA256 Credential=[^/]+\/\d{8}\/([\w-]+)\/monitoring\//.exec(
      headers.authorization ?? '',
    )?.[1];
    if (region === undefined) return fault(403, 'MissingAuthenticationToken', 'the request is not signed');
    if (headers['x-amz-target'] !== 'GraniteServiceVersion20100801.PutMetricData') {
      return fault(400, 'InvalidAction', `no ${headers['x-amz-target']} here`);
    }
    const contentEncoding = headers['content-encoding'];
    const json = contentEncoding === 'gzip' ? gunzipSync(body) : body;
    const { Namespace, MetricData } = JSON.parse(json.toString('utf8')) as {
      Namespace: string;
      MetricData: ReceivedDatum[];
    };
    const mistake = json.length > 1_048_576 ? 'the body is too large' : mistakeIn(MetricData, this.poison);
    if (mistake !== undefined) return fault(400, 'InvalidParameterValue', mistake);
    const sizes = { wireBytes: body.length, jsonBytes: json.length };
    this.calls.push({ namespace: Namespace, data: MetricData, contentEncoding, region, ...sizes });
    return undefined;
  }
}

function mistakeIn(data: readonly ReceivedDatum[], poison: ReadonlySet<string>): string | undefined {
  if (data.length === 0 || data.length > 1_000) return `${data.length} metrics in a call`;
  const twoWeeksAgo = Date.now() / 1_000 - 14 * 24 * 3_600;
  for (const { MetricName, Values, Counts, Timestamp, StorageResolution } of data) {
    if (poison.has(MetricName)) return `The value for parameter ${MetricName} is invalid.`;
    if (Values.length === 0 || Values.length > 150) return `${MetricName} has ${Values.length} values`;
    if (new Set(Values).size < Values.length) return `${MetricName} has a value twice`;
    if (Counts && Counts.length !== Values.length) return `${MetricName} has ${Counts.length} counts`;
    if (![1, 60].includes(StorageResolution)) return `${MetricName} has a resolution of ${StorageResolution}`;
    if (!(Timestamp > twoWeeksAgo)) return `${MetricName} is from ${Timestamp}`;
  }
  return undefined;
}

function fault(status: number, code: string, message: string): CloudWatchFault {
  return { status, code, message };
}
