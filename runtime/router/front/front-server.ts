import { once } from 'node:events';
import type http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import tls from 'node:tls';
import { adoptSocket } from './adopt-socket.ts';
import { BodyPool } from './body-pool.ts';
import { ClientConnection, type FrontHandlers, type FrontTimeouts } from './client-connection.ts';
import { ControlStream } from './control-stream.ts';

export interface FrontServerOptions extends Pick<FrontHandlers, 'carries' | 'relay'> {
  /** Serves every request that the relay does not carry; never listens itself. */
  readonly control: http.Server;
  /** Certificate and key; undefined serves plain HTTP. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  /** @default - see `defaultTimeouts` */
  readonly timeouts?: Partial<FrontTimeouts>;
}

const defaultTimeouts: FrontTimeouts = { idleMs: 910_000, headMs: 60_000, bodyMs: 300_000, lingerMs: 10_000 };
/**
 * Silence after which the kernel asks a client whether it is still there. It finds clients that vanished, and what
 * forgets silent connections on the way, such as a network load balancer after 350 s, sees that they are used.
 */
const probeAfterMs = 60_000;
/** Bodies' buffers that are kept for the next ones. */
const maxFreeBodyBytes = 32 * 1024 * 1024;
const deadlineCheckMs = 1_000;
/** At the end: how long answers that are under way may take to leave. */
const lastAnswersMs = 300;
/** A burst of clients must find room here: Linux drops what is beyond, and they try again a second later. */
const backlog = 4_096;

/**
 * The port that clients talk to. Generation requests go from the socket straight to the relay; everything else goes to
 * Node's HTTP server, and with it to the control surface.
 */
export class FrontServer {
  readonly #server: net.Server;
  readonly #tls: tls.Server | undefined;
  readonly #connections = new Set<ClientConnection>();
  /** Under TLS the sockets below, also of clients that have not finished their handshake. */
  readonly #handshakes = new Set<net.Socket>();
  readonly #timer: NodeJS.Timeout;

  constructor(options: FrontServerOptions) {
    const { carries, relay, control } = options;
    const timeouts = { ...defaultTimeouts, ...options.timeouts };
    const connecting = { noDelay: true, keepAlive: true, keepAliveInitialDelay: probeAfterMs };
    const pool = new BodyPool(maxFreeBodyBytes);
    // Node would answer an expectation that it does not know itself, past the listener that tells when an answer has left.
    control.on('checkExpectation', (request, response) => control.emit('request', request, response));
    // Else it announces a time of its own to clients; connections are kept as long as `timeouts` says.
    control.keepAliveTimeout = 0;
    const handlers: FrontHandlers = { carries, relay, control: (stream) => void control.emit('connection', stream) };
    const open = (connect: (onData: (bytes: Buffer) => void) => net.Socket) => {
      let socket: net.Socket | undefined;
      const connection = new ClientConnection(
        (onData) => {
          socket = connect(onData);
          return socket;
        },
        { handlers, timeouts, pool },
      );
      this.#connections.add(connection);
      socket!.once('close', () => this.#connections.delete(connection));
    };
    if (options.tls) {
      const context = { cert: options.tls.cert, key: options.tls.key, ALPNProtocols: ['http/1.1'] };
      this.#tls = tls.createServer({ ...context, ...connecting }, (socket) =>
        open((onData) => socket.on('data', onData)),
      );
      this.#tls.on('tlsClientError', (_error, socket) => socket.destroy());
      this.#server = this.#tls;
      this.#server.on('connection', (socket: net.Socket) => {
        this.#handshakes.add(socket);
        socket.once('close', () => this.#handshakes.delete(socket));
      });
    } else {
      this.#server = net.createServer({ ...connecting, pauseOnConnect: true }, (socket) =>
        open((onData) => adoptSocket(socket, onData)),
      );
    }
    this.#timer = setInterval(() => this.#checkDeadlines(), deadlineCheckMs).unref();
  }

  get address(): AddressInfo {
    return this.#server.address() as AddressInfo;
  }

  /** Rejects when the port is taken. */
  async listen(port: number, host: string): Promise<void> {
    await once(this.#server.listen({ port, host, backlog }), 'listening');
  }

  /** A new certificate for connections to come. */
  setSecureContext(context: tls.SecureContextOptions): void {
    this.#tls?.setSecureContext(context);
  }

  /** Takes no more connections; answers that are about to leave get a moment for it, then all that is open ends. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    const closed = this.#server.listening ? once(this.#server, 'close') : undefined;
    this.#server.close();
    for (const connection of this.#connections) connection.closeWhenIdle();
    const waitsUntilMs = performance.now() + lastAnswersMs;
    while (this.#connections.size > 0 && performance.now() < waitsUntilMs) await delay(5);
    for (const connection of this.#connections) connection.destroy();
    for (const socket of this.#handshakes) socket.destroy();
    await closed;
  }

  #checkDeadlines(): void {
    const nowMs = performance.now();
    for (const connection of this.#connections) connection.checkDeadline(nowMs);
  }
}

/**
 * The listener for the control server: tells the connection, too, when an answer has left.
 */
export function controlListener(handle: http.RequestListener): http.RequestListener {
  return (request, response) => {
    const stream = request.socket as unknown;
    if (stream instanceof ControlStream) response.once('close', () => stream.answered());
    handle(request, response);
  };
}
