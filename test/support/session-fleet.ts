import type { RouterConfig } from '../../runtime/router/config.ts';
import { FakeRunner } from './fake-runner.ts';
import { SessionClient } from './session-client.ts';
import { startTestRouter, type TestRouter } from './test-router.ts';

/** A router with fake runners `a`, `b`, ... that registered with it. */
export interface SessionFleet extends AsyncDisposable {
  readonly router: TestRouter;
  readonly runners: readonly FakeRunner[];
  readonly client: SessionClient;
}

/** @param runnerCount default 1; earlier runners have more room */
export async function startSessionFleet(config: Partial<RouterConfig> = {}, runnerCount = 1): Promise<SessionFleet> {
  await using stack = new AsyncDisposableStack();
  const runners: FakeRunner[] = [];
  for (let i = 0; i < runnerCount; i++) {
    runners.push(stack.use(await FakeRunner.start(String.fromCharCode(97 + i), 100 - i)));
  }
  const router = stack.use(await startTestRouter({ drainSeconds: 1, ...config }));
  for (const runner of runners) await runner.register(router.url);
  const cleanUp = stack.move();
  return {
    router,
    runners,
    client: new SessionClient(router.url),
    [Symbol.asyncDispose]: () => cleanUp[Symbol.asyncDispose](),
  };
}
