import http2, {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
} from 'node:http2';
import { isIPv6 } from 'node:net';

export interface RunnerAddress {
  readonly host: string;
  readonly port: number;
  /** A runner that sends nothing for so long has gone without a word. @default 60000 */
  readonly silenceMs?: number;
}

export interface RunnerRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface RunnerAnswer {
  readonly status: number;
  /** Its body; whoever does not read it to the end closes it. */
  readonly stream: ClientHttp2Stream;
}

/** A machine that is gone does not refuse a connection, it says nothing. */
const connectTimeoutMs = 3_000;
/**
 * A runner sends a comment every 15 s in each answer that it is working on. Without answers under way the connection is
 * closed instead.
 */
const defaultSilenceMs = 60_000;
/** What one answer may hold for a client that does not read. */
const streamWindowBytes = 32 * 1024;
/** All answers together: those that nobody reads must not stop the others. */
const connectionWindowBytes = 2 ** 31 - 1;

/**
 * One connection to a runner for all its sessions' messages (HTTP/2 without TLS): thousands of quiet answers cost one
 * file instead of one each. Opened when it is needed and again after its end.
 */
export class RunnerConnection {
  readonly #address: RunnerAddress;
  #session: ClientHttp2Session | undefined;
  #isClosed = false;

  constructor(address: RunnerAddress) {
    this.#address = address;
  }

  /** Resolves with the head of the answer. @throws what broke the connection; the signal's reason */
  async request(request: RunnerRequest): Promise<RunnerAnswer> {
    request.signal?.throwIfAborted();
    const isReused = this.#isOpen;
    try {
      return await this.#attempt(request);
    } catch (error) {
      // The runner may have closed a kept connection just before the request: that is no failure.
      if (!isReused || this.#isClosed || request.signal?.aborted || this.#isOpen) throw error;
      return await this.#attempt(request);
    }
  }

  /** Answers under way break off. */
  close(): void {
    this.#isClosed = true;
    this.#session?.destroy();
  }

  get #isOpen(): boolean {
    return this.#session !== undefined && !this.#session.closed && !this.#session.destroyed;
  }

  #attempt(request: RunnerRequest): Promise<RunnerAnswer> {
    if (this.#isClosed) return Promise.reject(new Error('it is no longer a runner of this fleet'));
    const { method, path, headers, body, signal } = request;
    const { promise, resolve, reject } = Promise.withResolvers<RunnerAnswer>();
    const session = this.#isOpen ? this.#session! : this.#connect();
    const stream = session.request(
      { ...headers, ':method': method, ':path': path, ...(body && { 'content-length': body.length }) },
      { endStream: body === undefined, ...(signal && { signal }) },
    );
    stream.once('response', (head: IncomingHttpHeaders & { ':status'?: number }) =>
      resolve({ status: head[':status']!, stream }),
    );
    // Stays: once it has answered, its body breaks off as well and tells the reader.
    stream.on('error', reject);
    stream.once('close', () => reject(new Error('the connection ended before the answer')));
    if (body) stream.end(body);
    return promise;
  }

  #connect(): ClientHttp2Session {
    const { host, port, silenceMs = defaultSilenceMs } = this.#address;
    const session = http2.connect(`http://${isIPv6(host) ? `[${host}]` : host}:${port}`, {
      settings: { enablePush: false, initialWindowSize: streamWindowBytes },
      // In MB: the default refuses streams from about a thousand on.
      maxSessionMemory: 2_048,
      peerMaxConcurrentStreams: 1_000_000,
    });
    const timer = setTimeout(() => session.destroy(new Error('connecting took too long')), connectTimeoutMs);
    session.once('connect', () => {
      clearTimeout(timer);
      session.setLocalWindowSize(connectionWindowBytes);
    });
    session.once('close', () => {
      clearTimeout(timer);
      if (this.#session === session) this.#session = undefined;
    });
    // Each request hears of it through its own stream.
    session.on('error', () => {});
    session.setTimeout(silenceMs, () => session.destroy(undefined, constants.NGHTTP2_NO_ERROR));
    this.#session = session;
    return session;
  }
}
