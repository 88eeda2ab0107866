import type { AgentDefinition } from '../sandboxes/agent-definition.ts';
import { chatAgent } from '../sandboxes/chat-agent.ts';
import { probeConfinement } from '../sandboxes/confinement.ts';
import { SandboxPool } from '../sandboxes/pool.ts';
import { describeError } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import type { RunLock } from '../shared/process/run-lock.ts';
import type { Engine } from './engine/engine.ts';
import { fail } from './errors.ts';
import type { RunnerOptions } from './options.ts';

/**
 * The sandboxes that the options ask for, none started yet.
 * @throws AGENTS_INVALID, AGENTS_UNREADABLE
 */
export async function createPool(
  options: RunnerOptions,
  engine: Engine,
  lock: RunLock,
  log: Logger,
): Promise<SandboxPool> {
  const { max, warm, memoryMb, idleMs, agentsFile } = options.sandboxes;
  const agents = [chatAgent, ...(agentsFile === undefined ? [] : await declaredAgents(agentsFile))];
  const confinement = await probeConfinement();
  log.info('sandboxes', { agents: agents.map(({ name }) => name), maxSandboxes: max, memoryMb, ...confinement });
  return new SandboxPool({
    agents,
    maxSandboxes: max,
    warm,
    memoryMb,
    idleMs,
    engineUrl: () => engine.url,
    confinement,
    environment: process.env,
    log,
    registry: lock,
  });
}

async function declaredAgents(file: string): Promise<AgentDefinition[]> {
  // Most runners declare none; they need no YAML.
  const { readAgents } = await import('../sandboxes/read-agents.ts');
  const { FleetConfigError } = await import('../shared/config-mistakes.ts');
  try {
    return readAgents(file);
  } catch (error) {
    if (error instanceof FleetConfigError) throw fail('AGENTS_INVALID', { mistakes: error.message }, { cause: error });
    throw fail('AGENTS_UNREADABLE', { file, reason: describeError(error) }, { cause: error });
  }
}
