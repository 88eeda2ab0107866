import { defaultPreset } from '../../../runtime/engine-sim/presets.ts';
import { type EngineServer, startEngineServer } from '../../../runtime/engine-sim/server.ts';
import { eventually } from '../../support/eventually.ts';
import { postBytes, RawConnection } from '../support/raw-http.ts';
import { capturedContextLength, capturedModel, capturedPoolTokens } from './captures.ts';
import type { ReplayTarget } from './replay-scenarios.ts';

/** A simulated engine set up as the captured one was, with what a replay needs of it. */
export interface CapturedEngine {
  readonly server: EngineServer;
  readonly target: ReplayTarget;
}

export async function startCapturedEngine(log: (line: string) => void): Promise<CapturedEngine> {
  const server = await startEngineServer({
    modelName: capturedModel,
    contextLength: capturedContextLength,
    timeScale: 5,
    // The captured model had random weights, which practically never end a text.
    meanOutputTokens: 0,
    settings: {
      ...defaultPreset.settings,
      maxTotalTokens: capturedPoolTokens,
      maxRunningRequests: 2_048,
      chunkedPrefillTokens: 4_096,
      cacheBlockTokens: 1,
    },
    log,
  });
  await server.ready;
  const untilRunning = (count: number) => eventually(() => expect(server.core.snapshot().runningRequests).toBe(count));
  return { server, target: { port: server.port, untilRunning, startBusy: (count) => startBusy(server, count) } };
}

/** Chats that run for 12 s of engine time. Resolves with a function that waits for their ends. */
async function startBusy(server: EngineServer, count: number): Promise<() => Promise<void>> {
  const connections = Array.from({ length: count }, (_, i) => {
    const connection = new RawConnection(server.port);
    const messages = [{ role: 'user', content: `Busy ${i}` }];
    connection.send(postBytes('/v1/chat/completions', { messages, max_tokens: 1_200, ignore_eos: true }));
    return connection;
  });
  await eventually(() => expect(server.core.snapshot().runningRequests).toBe(count));
  return async () => {
    for (const connection of connections) await connection.untilEnd();
  };
}
