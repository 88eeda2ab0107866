import type { Connect } from './connect.ts';
import { UpstreamConnection } from './upstream-connection.ts';

/** SGLang closes a connection that idled for 5 s; one that is dropped earlier never meets that reset. */
const maxIdleMs = 4_000;

/** Idle connections to one server, newest first. Its owner closes it when the server is no longer needed. */
export class UpstreamPool {
  readonly #connect: Connect;
  readonly #idle: UpstreamConnection[] = [];
  #sweep: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(connect: Connect) {
    this.#connect = connect;
  }

  /** A usable connection, fresh or reused; connecting goes on in the background, errors reach the exchange. */
  acquire(): UpstreamConnection {
    for (let connection = this.#idle.pop(); connection; connection = this.#idle.pop()) {
      if (connection.isUsable && performance.now() - connection.idleSince < maxIdleMs) return connection;
      connection.destroy();
    }
    return this.fresh();
  }

  /** A new connection: for the retry of a request that met a connection which the server had just closed. */
  fresh(): UpstreamConnection {
    return new UpstreamConnection(this.#connect, (connection) => this.#keep(connection));
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#sweep);
    for (const connection of this.#idle.splice(0)) connection.destroy();
  }

  #keep(connection: UpstreamConnection): void {
    if (this.#closed) {
      connection.destroy();
      return;
    }
    connection.idleSince = performance.now();
    this.#idle.push(connection);
    this.#sweep ??= setTimeout(() => this.#dropExpired(), maxIdleMs).unref();
  }

  #dropExpired(): void {
    const now = performance.now();
    // Oldest first: the array is a stack.
    while (this.#idle[0] && now - this.#idle[0].idleSince >= maxIdleMs) this.#idle.shift()!.destroy();
    const oldest = this.#idle[0];
    this.#sweep = oldest && setTimeout(() => this.#dropExpired(), oldest.idleSince + maxIdleMs - now).unref();
  }
}
