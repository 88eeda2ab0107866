import type { EngineSettings } from '../../../runtime/engine-sim/core/types.ts';
import { defaultPreset } from '../../../runtime/engine-sim/presets.ts';
import { type EngineServer, startEngineServer } from '../../../runtime/engine-sim/server.ts';
import type { EngineServerOptions } from '../../../runtime/engine-sim/server-options.ts';
import { eventually } from '../../support/eventually.ts';
import { exchangeRaw, getBytes, postBytes, RawConnection, type RawResponse } from './raw-http.ts';

/** A ready simulated engine that a test owns, with its log. */
export interface StartedEngine extends AsyncDisposable {
  readonly server: EngineServer;
  readonly port: number;
  /** Log lines without their time. */
  readonly log: readonly string[];
  get(path: string): Promise<RawResponse>;
  post(path: string, body: unknown): Promise<RawResponse>;
  /** Sends a request and leaves the connection to the test. */
  open(path: string, body: unknown): RawConnection;
  /** Resolves when that many requests run and none waits. */
  untilRunning(count: number): Promise<void>;
  untilLogged(text: string): Promise<void>;
}

export async function startEngine(
  options: Omit<EngineServerOptions, 'settings'> & { settings?: Partial<EngineSettings> } = {},
): Promise<StartedEngine> {
  const log: string[] = [];
  const server = await startEngineServer({
    ...options,
    settings: { ...defaultPreset.settings, ...options.settings },
    log: (line) => log.push(line.replace(/^\[[^\]]*\] /, '')),
  });
  await server.ready;
  const connections: RawConnection[] = [];
  return {
    server,
    port: server.port,
    log,
    get: (path) => exchangeRaw(server.port, getBytes(path)),
    post: (path, body) => exchangeRaw(server.port, postBytes(path, body)),
    open(path, body) {
      const connection = new RawConnection(server.port);
      connections.push(connection);
      connection.send(postBytes(path, body));
      return connection;
    },
    untilRunning: (count) =>
      eventually(() => {
        const { runningRequests, waitingRequests } = server.core.snapshot();
        expect([runningRequests, waitingRequests]).toEqual([count, 0]);
      }),
    untilLogged: (text) => eventually(() => expect(log.join('\n')).toContain(text)),
    async [Symbol.asyncDispose]() {
      for (const connection of connections) connection.destroy();
      await server.close();
    },
  };
}

/** A chat request that runs until something ends it. */
export function endlessChat(stream: boolean, extra: object = {}) {
  return {
    messages: [{ role: 'user', content: 'Never stop.' }],
    max_tokens: 30_000,
    ignore_eos: true,
    stream,
    ...extra,
  };
}

export const endlessSampling = { max_new_tokens: 30_000, ignore_eos: true };
