import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type AgentConfig, agentsFileSchema } from '../shared/agent-schema.ts';
import { parseYaml } from '../shared/config-mistakes.ts';
import { type AgentDefinition, agentDefaults } from './agent-definition.ts';

/**
 * Reads a file of declared agents (YAML or JSON). Relative paths in it start at its folder.
 * @throws FleetConfigError with every mistake; file system errors
 */
export function readAgents(file: string): AgentDefinition[] {
  const { agents } = parseYaml(agentsFileSchema, file, readFileSync(file, 'utf8'));
  const folder = path.dirname(path.resolve(file));
  return agents.map((agent) => defineAgent(agent, folder));
}

function defineAgent(config: AgentConfig, folder: string): AgentDefinition {
  const script = config.script === undefined ? undefined : path.resolve(folder, config.script);
  const { memoryMb } = config;
  const ms = (seconds: number) => seconds * 1_000;
  return {
    name: config.name,
    program: script === undefined ? { kind: 'command', argv: config.command! } : { kind: 'script', file: script },
    env: config.env,
    cwd: config.cwd !== undefined ? path.resolve(folder, config.cwd) : script ? path.dirname(script) : folder,
    memoryMb: memoryMb === 0 ? null : memoryMb,
    startTimeoutMs: ms(config.startTimeoutSeconds ?? agentDefaults.startTimeoutSeconds),
    turnTimeoutMs: ms(config.turnTimeoutSeconds ?? agentDefaults.turnTimeoutSeconds),
    maxTurnBytes: config.maxTurnBytes ?? agentDefaults.maxTurnBytes,
    maxLineBytes: config.maxLineBytes ?? agentDefaults.maxLineBytes,
    warm: config.warm,
  };
}
