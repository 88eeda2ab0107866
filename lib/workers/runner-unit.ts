import type { WorkerGroupConfig } from '../config/schema.ts';
import { secretReference } from '../fleet-secrets.ts';
import { launchHook, ports, terminateHook } from '../names.ts';
import { nodeFlags } from '../node-flags.ts';
import { type DaemonUnit, logFolder, stateFolder } from '../systemd.ts';
import { nodeProgram, programFolder } from '../user-data.ts';
import { engineArguments } from './engine-arguments.ts';
import { shortestHookSeconds, startSeconds, stopSeconds } from './lifecycle-hooks.ts';
import { storageUnitName } from './storage-unit.ts';
import { type WeightsPlan, weightsPlan } from './weights.ts';
import { sglangFolder, sglangPython } from './worker-paths.ts';

export const runnerUnitName = 'fleet-runner';
export const agentsFile = `${programFolder}/agents.json`;
const withWeights = `${programFolder}/with-weights.sh`;
const containerProgram = '/usr/bin/docker';

export interface RunnerUnitOptions {
  readonly config: WorkerGroupConfig;
  readonly groupName: string;
  readonly region: string;
  /** Whether sessions may run agents of the fleet file. */
  readonly hasAgents: boolean;
  /** Name of the secret by which routers know the runners. */
  readonly internalSecret: string;
}

/** How the runner runs on its machine. It knows no router: routers find it through the Auto Scaling group and say where they are. */
export function runnerUnit(options: RunnerUnitOptions): DaemonUnit {
  const { config, groupName, region, hasAgents, internalSecret } = options;
  const plan = weightsPlan(config);
  const flags = {
    '--listen-host': '0.0.0.0',
    '--port': String(ports.runner),
    ...engineFlags(config, plan),
    '--startup-max-seconds': String(startSeconds(config)),
    '--max-sandboxes': String(config.maxSandboxes),
    '--sandbox-memory-mb': String(config.sandboxMemoryMb),
    ...(hasAgents && { '--agents': agentsFile }),
    '--machine': 'ec2',
    '--asg': groupName,
    '--launch-hook': launchHook,
    '--terminate-hook': terminateHook,
    '--hook-timeout-seconds': String(shortestHookSeconds(config)),
    '--drain-seconds': String(config.drainSeconds),
    '--data-dir': `${stateFolder}/runner`,
    '--log-dir': logFolder,
  };
  return {
    name: runnerUnitName,
    description: 'SGLang fleet runner',
    command: [
      nodeProgram,
      ...nodeFlags.runner,
      `${programFolder}/runner.mjs`,
      ...Object.entries(flags).flat(),
      '--',
      ...engineArguments(config),
    ],
    environment: {
      AWS_REGION: region,
      FLEET_INTERNAL_SECRET: secretReference(internalSecret),
      // Engines compile kernels at run time, with tools of their own environment and of CUDA.
      CUDA_HOME: '/usr/local/cuda',
      PATH: `${sglangFolder}/bin:/usr/local/cuda/bin:/usr/local/bin:/usr/bin:/bin`,
      ...plan.environment,
      ...(plan.copyFrom !== undefined && {
        FLEET_WEIGHTS_SOURCE: plan.copyFrom,
        FLEET_WEIGHTS_FOLDER: plan.modelPath,
        FLEET_ENGINE_PROGRAM: engineProgram(config),
      }),
    },
    stopSeconds: stopSeconds(config),
    usesDevices: true,
    dividesCgroup: true,
    requires: [storageUnitName],
    // Whoever may speak to Docker is as good as root, the runner's sandboxes included.
    ...(config.sglang.container !== undefined && { groups: ['docker'] }),
  };
}

/** The program that the runner starts as the engine, or as the container engine. */
function engineProgram({ sglang }: WorkerGroupConfig): string {
  return sglang.container === undefined ? sglangPython : containerProgram;
}

function engineFlags(config: WorkerGroupConfig, plan: WeightsPlan): Record<string, string> {
  const { container } = config.sglang;
  const program = plan.copyFrom === undefined ? engineProgram(config) : withWeights;
  return {
    '--engine-port': String(ports.engine),
    '--model': plan.modelPath,
    ...(container === undefined
      ? { '--engine': 'sglang', '--python': program }
      : { '--engine': 'container', '--engine-image': container, '--container-program': program }),
  };
}
