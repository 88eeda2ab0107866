import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { chatAgent } from '../../sandboxes/chat-agent.ts';
import { probeConfinement } from '../../sandboxes/confinement.ts';
import { SandboxPool } from '../../sandboxes/pool.ts';
import { readAgents } from '../../sandboxes/read-agents.ts';
import type { Logger } from '../../shared/log.ts';
import type { RouterConfig } from '../config.ts';
import { LocalRunnerBackend } from './local-runner-backend.ts';
import type { LocalRunner } from './runner-backends.ts';

/** What a sandbox may have for itself, in MiB; docs/operations.md has the measurements. */
const memoryMb = 256;
const maxWarm = 2;
/** Only against leaks: routers pause idle sessions much sooner. */
const idleMs = 86_400_000;

/**
 * Sandboxes in the router's own process, for a fleet of one machine (standalone mode). Their agents send their requests
 * through this very router, with a key of their own that exists as long as the process.
 * @throws when TLS is configured, or with every mistake of the agents file
 */
export async function openLocalSandboxes(config: RouterConfig, log: Logger): Promise<LocalRunner> {
  if (config.tlsCert !== undefined) {
    throw new Error('--local-sandboxes goes without TLS: agents would not know the certificate. Run a runner instead.');
  }
  const declared = config.agents === undefined ? [] : readAgents(config.agents);
  const apiKey = randomBytes(32).toString('base64url');
  let url: string | undefined;
  const pool = new SandboxPool({
    agents: [chatAgent, ...declared],
    maxSandboxes: config.localSandboxes,
    warm: Math.min(maxWarm, config.localSandboxes),
    memoryMb,
    idleMs,
    engineUrl: () => url!,
    engineKey: apiKey,
    confinement: await probeConfinement(),
    environment: process.env,
    log,
  });
  return {
    runnerId: `${hostname()}-local`,
    backend: new LocalRunnerBackend(pool),
    apiKey,
    listening(routerUrl) {
      url = routerUrl;
      pool.startWarming();
    },
  };
}
