import { tmpdir } from 'node:os';
import path from 'node:path';
import { type AgentDefinition, agentDefaults } from './agent-definition.ts';

/** Lies beside this file in the repository, and beside the runner's bundle on a machine. */
const program = path.join(import.meta.dirname, 'chat-agent.mjs');

/** The built-in agent: a conversation with the engine's model. */
export const chatAgent: AgentDefinition = {
  name: 'chat',
  program: { kind: 'script', file: program },
  env: {},
  cwd: tmpdir(),
  memoryMb: undefined,
  startTimeoutMs: agentDefaults.startTimeoutSeconds * 1_000,
  turnTimeoutMs: agentDefaults.turnTimeoutSeconds * 1_000,
  maxTurnBytes: agentDefaults.maxTurnBytes,
  maxLineBytes: agentDefaults.maxLineBytes,
  warm: undefined,
};
