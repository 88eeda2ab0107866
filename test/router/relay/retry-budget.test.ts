import { RetryBudget } from '../../../runtime/router/relay/retry-budget.ts';
import { sendJson, startScriptedEngine } from '../../support/scripted-engine.ts';
import { startTestRouter } from '../../support/test-router.ts';

test('refused requests may be tried again in a burst, then once for five requests', () => {
  const budget = new RetryBudget();
  let retries = 0;
  for (; budget.hasRoom; retries++) budget.withdraw();
  expect(retries).toBe(200);
  for (let i = 0; i < 4; i++) budget.deposit();
  expect(budget.hasRoom).toBe(false);
  budget.deposit();
  expect(budget.hasRoom).toBe(true);
});

test('a fleet that refuses everything is not asked four times for each request', async () => {
  const refuse = (response: Parameters<typeof sendJson>[0]) => sendJson(response, { message: 'full' }, 503);
  const engines = await Promise.all([1, 2, 3, 4].map(() => startScriptedEngine(refuse)));
  await using router = await startTestRouter({ workerUrls: engines.map(({ url }) => url), policy: 'round-robin' });
  const requests = 400;
  for (let i = 0; i < requests; i++) {
    const response = await router.chat({ messages: [{ role: 'user', content: 'hi' }] });
    expect([response.status, await response.json()]).toEqual([503, { message: 'full' }]);
  }
  const asked = engines.reduce((sum, { seen }) => sum + seen.length, 0);
  expect(asked).toBeLessThan(2 * requests);
  expect(asked).toBeGreaterThanOrEqual(requests + 200);
  for (const engine of engines) await engine[Symbol.asyncDispose]();
});
