import { LocalRunnerBackend } from '../../runtime/router/sessions/local-runner-backend.ts';
import { chatAgent } from '../../runtime/sandboxes/chat-agent.ts';
import { StartedPool, scriptedAgent } from '../support/started-pool.ts';
import { describeRunnerBackend } from './runner-backend-contract.ts';

describeRunnerBackend('sandboxes in this process', async ({ engineUrl, maxSandboxes }) => {
  const agents = [chatAgent, scriptedAgent()];
  const host = await StartedPool.start({ agents, maxSandboxes, engineUrl: () => engineUrl });
  const backend = new LocalRunnerBackend(host.pool);
  return { backend, [Symbol.asyncDispose]: () => host[Symbol.asyncDispose]() };
});
