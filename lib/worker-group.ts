import { readFileSync } from 'node:fs';
import path from 'node:path';
import { CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import type { ISecurityGroup, IVpc } from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import { DaemonBundle } from './bundle.ts';
import { AgentConfigAsset } from './cloudwatch-agent.ts';
import type { AgentsConfig, SglangFlags, WorkerGroupConfig } from './config/schema.ts';
import { FileAsset } from './file-asset.ts';
import { FleetLogGroup } from './fleet-log-group.ts';
import { MachineGroup } from './machine-group.ts';
import { MachineRole } from './machine-role.ts';
import { ports } from './names.ts';
import { nodeFlags } from './node-flags.ts';
import { type DaemonUnit, logFolder, metricsFile, stateFolder } from './systemd.ts';
import { machineUserData, nodeProgram, programFolder } from './user-data.ts';

export interface WorkerGroupProps {
  readonly config: WorkerGroupConfig;
  /** What sessions may run beside the built-in agent. */
  readonly agents: AgentsConfig;
  readonly vpc: IVpc;
  readonly securityGroup: ISecurityGroup;
  readonly groupName: string;
  readonly logGroupName: string;
  readonly logRetentionDays: number;
}

const chatAgent = path.resolve(import.meta.dirname, '../runtime/sandboxes/chat-agent.mjs');
const agentsFile = `${programFolder}/agents.json`;
const engineLog = `${logFolder}/engine.log`;
const python = '/opt/sglang/bin/python';
/** What the runner needs after its drain, to stop the engine. */
const engineStopSeconds = 60;

/** GPU machines that serve one model: each with an engine, its runner and its log monitor. */
export class WorkerGroup extends Construct {
  constructor(scope: Construct, id: string, props: WorkerGroupProps) {
    super(scope, id);
    const { config, agents } = props;
    const units = [runnerUnit(config, agents), logMonitorUnit(props.groupName)];
    const files = {
      'runner.mjs': new DaemonBundle(this, 'RunnerBundle', 'runner'),
      // A program of its own: the runner starts it once for each session and looks for it beside itself.
      'chat-agent.mjs': new FileAsset(this, 'ChatAgent', { content: () => readFileSync(chatAgent), extension: '.mjs' }),
      'log-monitor.mjs': new DaemonBundle(this, 'LogMonitorBundle', 'log-monitor'),
      'agent.json': new AgentConfigAsset(this, 'AgentConfig', {
        logGroupName: props.logGroupName,
        units: units.map((unit) => unit.name),
        logFiles: { engine: engineLog, metrics: metricsFile },
        hasGpu: true,
      }),
    };
    const { logGroup } = new FleetLogGroup(this, 'Logs', {
      logGroupName: props.logGroupName,
      retentionDays: props.logRetentionDays,
    });
    new MachineGroup(this, 'Workers', {
      groupName: props.groupName,
      vpc: props.vpc,
      securityGroup: props.securityGroup,
      machineRole: new MachineRole(this, 'Machine', { files: Object.values(files), logGroup }),
      instanceType: config.instanceType,
      image: config.image,
      volumeGiB: config.volumeGiB,
      userData: machineUserData({
        files,
        agentConfig: 'agent.json',
        // Triton compiles kernels against Python's headers at run time.
        packages: ['python3.12-devel', 'gcc'],
        commands: [...installSglang(config.sglang.version), ...writeAgents(agents)],
        units,
      }),
      minCapacity: config.min,
      maxCapacity: config.max,
      // Package installation, download of the weights, start of the engine.
      warmup: Duration.minutes(10),
      minHealthyPercentage: 100,
      maxHealthyPercentage: 200,
    });
    new CfnOutput(Stack.of(this), 'GroupName', {
      value: props.groupName,
      description: 'Auto Scaling group of the workers',
    });
  }
}

/** How the runner runs on its machine. It knows no router: the router finds it through the Auto Scaling group. */
export function runnerUnit(config: WorkerGroupConfig, agents: AgentsConfig): DaemonUnit {
  const options = {
    '--listen-host': '0.0.0.0',
    '--port': String(ports.runner),
    '--engine-port': String(ports.engine),
    '--model': config.model.path,
    '--python': python,
    '--max-sandboxes': String(config.maxSandboxes),
    '--sandbox-memory-mb': String(config.sandboxMemoryMb),
    ...(agents.length > 0 && { '--agents': agentsFile }),
    '--drain-seconds': String(config.drainSeconds),
    '--data-dir': `${stateFolder}/runner`,
    '--log-dir': logFolder,
  };
  const engineArguments = sglangArguments({ ...config.model.flags, ...config.sglang.flags });
  return {
    name: 'fleet-runner',
    description: 'SGLang fleet runner',
    command: [
      nodeProgram,
      ...nodeFlags.runner,
      `${programFolder}/runner.mjs`,
      ...Object.entries(options).flat(),
      '--',
      ...engineArguments,
    ],
    // Engines compile kernels at run time, with tools of their own environment and of CUDA.
    environment: {
      CUDA_HOME: '/usr/local/cuda',
      PATH: '/opt/sglang/bin:/usr/local/cuda/bin:/usr/local/bin:/usr/bin:/bin',
    },
    stopSeconds: config.drainSeconds + engineStopSeconds,
    usesDevices: true,
  };
}

/**
 * How the log monitor runs on its machine. It remembers its place in the engine's log, so that nothing counts twice; the
 * runner tells it when the worker is in service.
 */
export function logMonitorUnit(groupName: string): DaemonUnit {
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
    name: 'fleet-log-monitor',
    description: 'SGLang fleet log monitor',
    command: [
      nodeProgram,
      ...nodeFlags.logMonitor,
      `${programFolder}/log-monitor.mjs`,
      ...Object.entries(options).flat(),
    ],
    stopSeconds: 20,
  };
}

/** `true` gives a flag without a value, `false` leaves it out. */
function sglangArguments(flags: SglangFlags): string[] {
  return Object.entries(flags).flatMap(([flag, value]) => {
    if (value === false) return [];
    return value === true ? [`--${flag}`] : [`--${flag}`, String(value)];
  });
}

/** The quoted end mark keeps bash from touching the text, which is one line. */
function writeAgents(agents: AgentsConfig): string[] {
  return agents.length === 0 ? [] : [`cat >${agentsFile} <<'EOF'\n${JSON.stringify({ agents })}\nEOF`];
}

/** An image that brings SGLang saves these minutes of every boot. */
function installSglang(version: string): string[] {
  const install = `python3.12 -m venv /opt/sglang && retry ${python} -m pip install -q --no-cache-dir sglang==${version}`;
  return [`if [ ! -x ${python} ]; then ${install}; fi`];
}
