import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Construct } from 'constructs';
import { DaemonBundle } from '../bundle.ts';
import { AgentConfigAsset } from '../cloudwatch-agent.ts';
import type { AgentsConfig } from '../config/schema.ts';
import { FileAsset } from '../file-asset.ts';
import { machineScript } from '../machine-script.ts';
import { metricsFile } from '../systemd.ts';
import { daemonUnitFile, UnitFile } from '../unit-file.ts';
import { logMonitorUnit, logMonitorUnitName } from './log-monitor-unit.ts';
import { type RunnerUnitOptions, runnerUnit, runnerUnitName } from './runner-unit.ts';
import { storageUnit, storageUnitName } from './storage-unit.ts';
import { engineLog } from './worker-paths.ts';

export interface WorkerFilesOptions extends Omit<RunnerUnitOptions, 'hasAgents'> {
  /** What sessions may run beside the built-in agent. */
  readonly agents: AgentsConfig;
  readonly logGroupName: string;
}

/** What a worker fetches at its first boot: programs and configuration by name, and its services in the order of their start. */
export interface WorkerFiles {
  readonly files: Readonly<Record<string, FileAsset>>;
  readonly units: readonly UnitFile[];
}

const chatAgent = path.resolve(import.meta.dirname, '../../runtime/sandboxes/chat-agent.mjs');
const scripts = ['prepare-weights-folder', 'with-weights'];

export function workerFiles(scope: Construct, options: WorkerFilesOptions): WorkerFiles {
  const { config, agents, groupName, region, logGroupName } = options;
  return {
    files: {
      'runner.mjs': new DaemonBundle(scope, 'RunnerBundle', 'runner'),
      // A program of its own: the runner starts it once for each session and looks for it beside itself.
      'chat-agent.mjs': new FileAsset(scope, 'ChatAgent', {
        content: () => readFileSync(chatAgent),
        extension: '.mjs',
      }),
      'log-monitor.mjs': new DaemonBundle(scope, 'LogMonitorBundle', 'log-monitor'),
      ...Object.fromEntries(scripts.map((name) => [`${name}.sh`, machineScript(scope, name)])),
      ...(agents.length > 0 && {
        'agents.json': new FileAsset(scope, 'Agents', { content: JSON.stringify({ agents }), extension: '.json' }),
      }),
      'agent.json': new AgentConfigAsset(scope, 'AgentConfig', {
        logGroupName,
        units: [storageUnitName, runnerUnitName, logMonitorUnitName],
        logFiles: { engine: engineLog, metrics: metricsFile },
        hasGpu: true,
      }),
    },
    units: [
      new UnitFile(scope, storageUnitName, { name: storageUnitName, text: storageUnit(config) }),
      daemonUnitFile(scope, runnerUnit({ ...options, hasAgents: agents.length > 0 })),
      daemonUnitFile(scope, logMonitorUnit({ groupName, region })),
    ],
  };
}
