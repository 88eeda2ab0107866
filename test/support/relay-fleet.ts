import { eventually } from './eventually.ts';
import { type ScriptedEngine, startScriptedEngine } from './scripted-engine.ts';
import { startTestRouter, type TestRouter } from './test-router.ts';

export const question = { model: 'scripted', messages: [{ role: 'user', content: 'hi' }] };
export const streamed = { ...question, stream: true };

/** Two scripted engines behind a router that takes them by turns. */
export async function startPair() {
  const engines = [await startScriptedEngine(), await startScriptedEngine()] as const;
  const router = await startTestRouter({ workerUrls: engines.map(({ url }) => url), policy: 'round-robin' });
  return {
    engines,
    router,
    async [Symbol.asyncDispose]() {
      await router[Symbol.asyncDispose]();
      for (const engine of engines) await engine[Symbol.asyncDispose]();
    },
  };
}

/** One engine behind a router that holds requests for 0.3 s only. */
export async function startOne(script?: ScriptedEngine['script']) {
  const engine = await startScriptedEngine(script);
  const router = await startTestRouter({ workerUrls: [engine.url], holdSeconds: 0.3 });
  return {
    engine,
    router,
    async [Symbol.asyncDispose]() {
      await router[Symbol.asyncDispose]();
      await engine[Symbol.asyncDispose]();
    },
  };
}

/** Every counter that went up has come down. */
export async function expectIdle(router: TestRouter) {
  await eventually(async () => {
    for (const worker of (await router.fleet()).workers) {
      expect(worker).toMatchObject({ inFlightRequests: 0, inFlightTokens: 0 });
    }
  });
}
