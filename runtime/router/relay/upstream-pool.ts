import { UpstreamConnection } from './upstream-connection.ts';

/** SGLang closes a connection that idled for 5 s; one that is dropped earlier never meets that reset. */
const maxIdleMs = 4_000;

/** Idle connections to one engine, newest first. Its owner closes it when the worker leaves. */
export class UpstreamPool {
  readonly #host: string;
  readonly #port: number;
  readonly #idle: UpstreamConnection[] = [];
  #sweep: NodeJS.Timeout | undefined;
  #closed = false;

  /** @param url base URL of the engine, http only */
  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.#host = hostname.replace(/^\[|\]$/g, '');
    this.#port = port === '' ? 80 : Number(port);
  }

  /** A usable connection, fresh or reused; connecting goes on in the background, errors reach the exchange. */
  acquire(): UpstreamConnection {
    for (let connection = this.#idle.pop(); connection; connection = this.#idle.pop()) {
      if (connection.isUsable && performance.now() - connection.idleSince < maxIdleMs) return connection;
      connection.destroy();
    }
    return this.fresh();
  }

  /** A new connection: for the retry of a request that met a connection which the engine had just closed. */
  fresh(): UpstreamConnection {
    return new UpstreamConnection(this.#host, this.#port, (connection) => this.#keep(connection));
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#sweep);
    for (const connection of this.#idle.splice(0)) connection.destroy();
  }

  #keep(connection: UpstreamConnection): void {
    if (this.#closed) {
      connection.destroy();
      return;
    }
    connection.idleSince = performance.now();
    this.#idle.push(connection);
    this.#sweep ??= setInterval(() => this.#dropExpired(), 1_000).unref();
  }

  #dropExpired(): void {
    const now = performance.now();
    // Oldest first: the array is a stack.
    while (this.#idle[0] && now - this.#idle[0].idleSince >= maxIdleMs) this.#idle.shift()!.destroy();
    if (this.#idle.length > 0) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }
}
