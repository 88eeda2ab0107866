import net from 'node:net';
import tls from 'node:tls';
import { type EngineTls, engineConnectOptions } from '../tls.ts';
import { UpstreamConnection } from './upstream-connection.ts';

/** SGLang closes a connection that idled for 5 s; one that is dropped earlier never meets that reset. */
const maxIdleMs = 4_000;

/** Idle connections to one engine, newest first. Its owner closes it when the worker leaves. */
export class UpstreamPool {
  readonly #connect: () => net.Socket;
  readonly #idle: UpstreamConnection[] = [];
  #sweep: NodeJS.Timeout | undefined;
  #closed = false;

  /** @param engineTls for https engines; undefined takes the authorities that Node trusts */
  constructor(url: string, engineTls: EngineTls | undefined) {
    const { protocol, hostname, port } = new URL(url);
    const host = hostname.replace(/^\[|\]$/g, '');
    const isTls = protocol === 'https:';
    const target = { host, port: port === '' ? (isTls ? 443 : 80) : Number(port) };
    const keepAlive = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 10_000 };
    const trusted = engineTls ?? { rejectUnauthorized: true };
    this.#connect = isTls
      ? () => tls.connect({ ...engineConnectOptions(trusted, target.host, target.port), ...keepAlive })
      : () => net.connect({ ...target, ...keepAlive });
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
    return new UpstreamConnection(this.#connect(), (connection) => this.#keep(connection));
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
