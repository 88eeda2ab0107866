import { ports } from '../names.ts';
import { nodeFlags } from '../node-flags.ts';
import { type DaemonUnit, metricsFile, stateFolder } from '../systemd.ts';
import { nodeProgram, programFolder } from '../user-data.ts';
import { engineLog } from './worker-paths.ts';

export const logMonitorUnitName = 'fleet-log-monitor';

export interface LogMonitorUnitOptions {
  readonly groupName: string;
  readonly region: string;
}

/**
 * How the log monitor runs on its machine. What drives scaling goes to CloudWatch at once, the rest into a file that the
 * CloudWatch agent collects. It remembers its place in the engine's log, so that nothing counts twice.
 */
export function logMonitorUnit({ groupName, region }: LogMonitorUnitOptions): DaemonUnit {
  const options = {
    '--log-file': engineLog,
    '--state-file': `${stateFolder}/log-monitor.json`,
    '--engine-url': `http://127.0.0.1:${ports.engine}`,
    '--runner-url': `http://127.0.0.1:${ports.runner}`,
    '--publish': 'mixed',
    '--asg': groupName,
    '--emf-file': metricsFile,
  };
  return {
    name: logMonitorUnitName,
    description: 'SGLang fleet log monitor',
    command: [
      nodeProgram,
      ...nodeFlags.logMonitor,
      `${programFolder}/log-monitor.mjs`,
      ...Object.entries(options).flat(),
    ],
    environment: { AWS_REGION: region },
    stopSeconds: 20,
  };
}
