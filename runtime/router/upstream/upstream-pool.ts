import net from 'node:net';
import tls from 'node:tls';
import { type EngineTls, engineConnectOptions } from '../tls.ts';
import { type Connect, UpstreamConnection } from './upstream-connection.ts';

/** SGLang closes a connection that idled for 5 s; one that is dropped earlier never meets that reset. */
const maxIdleMs = 4_000;

const keepAlive = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 10_000 };

/** All plain sockets read into one buffer: what they receive is copied out at once, and most of it is small. */
const sharedReadBuffer = Buffer.allocUnsafeSlow(64 * 1024);

/** Node's `onread` spares each read a buffer of 64 KiB and the stream machinery; together a tenth of a relayed event. */
function plainConnect(host: string, port: number): Connect {
  return (onData) =>
    net.connect({
      host,
      port,
      ...keepAlive,
      onread: {
        buffer: sharedReadBuffer,
        callback: (size) => {
          onData(Buffer.from(sharedReadBuffer.subarray(0, size)));
          return true;
        },
      },
    });
}

function tlsConnect(host: string, port: number, engineTls: EngineTls): Connect {
  return (onData) => tls.connect({ ...engineConnectOptions(engineTls, host, port), ...keepAlive }).on('data', onData);
}

/** Idle connections to one engine, newest first. Its owner closes it when the worker leaves. */
export class UpstreamPool {
  readonly #connect: Connect;
  readonly #idle: UpstreamConnection[] = [];
  #sweep: NodeJS.Timeout | undefined;
  #closed = false;

  /** @param engineTls for https engines; undefined takes the authorities that Node trusts */
  constructor(url: string, engineTls: EngineTls | undefined) {
    const { protocol, hostname, port } = new URL(url);
    const host = hostname.replace(/^\[|\]$/g, '');
    this.#connect =
      protocol === 'https:'
        ? tlsConnect(host, Number(port || 443), engineTls ?? { rejectUnauthorized: true })
        : plainConnect(host, Number(port || 80));
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
    return new UpstreamConnection(this.#connect, (connection) => this.#keep(connection));
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
