import type { AddressInfo } from 'node:net';
import { realClock } from '../shared/clock.ts';
import type { EngineCore, EngineEvent } from './core/types.ts';
import { Drain } from './drain.ts';
import { Engine } from './engine/engine.ts';
import { FaultPlan } from './faults/fault-plan.ts';
import { InFlightRequests } from './generation/in-flight-requests.ts';
import { createHttpServer, listen, trackSockets } from './http/http-server.ts';
import { decodeBatchLine, prefillBatchLine, retractionLine } from './logs/batch-lines.ts';
import { EngineLog } from './logs/engine-log.ts';
import { argumentLines, bindingLines, loadedLines, readyLine, shutdownLines } from './logs/startup-lines.ts';
import { RequestMetrics } from './metrics/request-metrics.ts';
import { ownedClock } from './owned-clock.ts';
import { defaultPreset } from './presets.ts';
import type { EngineServerOptions, ResolvedServerOptions } from './server-options.ts';
import type { ServerState } from './server-state.ts';
import { Sessions } from './sessions.ts';
import { warmUp } from './warm-up.ts';

export interface EngineServer {
  /** `http://host:port` */
  readonly url: string;
  readonly port: number;
  readonly core: EngineCore;
  /** Resolves once the warm-up is over and `/health` may say 200. */
  readonly ready: Promise<void>;
  /** What SIGTERM does. Resolves when the last request has ended and the port is closed. */
  drain(): Promise<void>;
  /** Ends every timer and socket at once. */
  close(): Promise<void>;
}

/** Real milliseconds between two wake-ups of a sped-up engine: what happens in between shares a timer and a write. */
const coalesceRealMs = 2;
/** Real milliseconds for which a sped-up engine gathers the tokens of a stream, behind the first one. */
const gatherRealMs = 10;

/** Starts a simulated SGLang server. Resolves when its port is bound; rejects when the port is taken. */
export async function startEngineServer(options: EngineServerOptions = {}): Promise<EngineServer> {
  const clock = ownedClock(realClock(options.timeScale ?? 1));
  const log = new EngineLog(options.log ?? (() => {}));
  const resolved = resolveOptions(options);
  for (const line of argumentLines(resolved)) log.line(line);
  await new Promise<void>((resolve) => clock.schedule(resolved.startupSeconds * 1_000, resolve));
  for (const line of loadedLines(resolved)) log.line(line);
  for (const line of bindingLines.before(process.pid)) log.uvicorn('INFO', line);

  const originUnixSeconds = Date.now() / 1_000 - clock.now() / 1_000;
  const isSpedUp = resolved.timeScale > 1;
  const engine = new Engine({
    settings: resolved.settings,
    clock,
    coalesceMs: isSpedUp ? coalesceRealMs * resolved.timeScale : 0,
    gatherMs: isSpedUp ? gatherRealMs * resolved.timeScale : 0,
    onReport: (event) => logReport(log, event),
  });
  const state: ServerState = {
    options: resolved,
    engine,
    clock,
    log,
    inFlight: new InFlightRequests(),
    sessions: new Sessions(),
    faults: new FaultPlan(),
    metrics: new RequestMetrics(resolved.modelName),
    toUnixSeconds: (engineMs) => originUnixSeconds + engineMs / 1_000,
    startedAt: clock.now(),
    phase: 'starting',
    refuseConnections: (durationMs) => refuseConnections(durationMs),
  };
  const server = createHttpServer(state);
  const sockets = trackSockets(server);
  await listen(server, resolved.port, resolved.host);
  const { port } = server.address() as AddressInfo;
  const url = `http://${resolved.host}:${port}`;
  for (const line of bindingLines.after(url)) log.uvicorn('INFO', line);
  const ready = (resolved.skipServerWarmup ? Promise.resolve() : warmUp(state)).then(() => {
    log.line(readyLine);
    if (state.phase === 'starting') state.phase = 'up';
  });

  let refusal: { cancel(): void } | undefined;
  function refuseConnections(durationMs: number): void {
    server.close();
    refusal?.cancel();
    refusal = clock.schedule(durationMs, () => server.listen(port, resolved.host));
  }

  let isClosed = false;
  async function close(): Promise<void> {
    if (isClosed) return;
    isClosed = true;
    clock.close();
    engine.close();
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await closed;
    resolveDrained();
  }

  const { promise: drained, resolve: resolveDrained } = Promise.withResolvers<void>();
  const drainTask = new Drain(state, () => {
    for (const line of shutdownLines(process.pid)) log.uvicorn('INFO', line);
    void close();
  });
  const drain = (): Promise<void> => {
    drainTask.begin();
    return drained;
  };
  return { url, port, core: engine.core, ready, drain, close };
}

function resolveOptions(options: EngineServerOptions): ResolvedServerOptions {
  const { log: _, ...given } = options;
  // An option that is passed as undefined is one that was not given.
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as typeof given;
  return {
    port: 0,
    host: '127.0.0.1',
    modelName: 'simulated-model',
    settings: defaultPreset.settings,
    timeScale: 1,
    contextLength: 131_072,
    startupSeconds: 0,
    skipServerWarmup: false,
    enableMetrics: true,
    enableCacheReport: true,
    incrementalStreamingOutput: false,
    isEmbedding: false,
    meanOutputTokens: 200,
    apiKey: undefined,
    ...set,
  };
}

function logReport(log: EngineLog, event: EngineEvent): void {
  if (event.kind === 'prefill-report') log.line(prefillBatchLine(event));
  else if (event.kind === 'decode-report') log.line(decodeBatchLine(event));
  else if (event.kind === 'retracted') log.line(retractionLine());
}
