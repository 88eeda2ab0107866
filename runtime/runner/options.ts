import { createHash } from 'node:crypto';
import { hostname, networkInterfaces } from 'node:os';
import path from 'node:path';
import type { EngineSettings } from './engine/arguments/given-arguments.ts';
import type { HookNames } from './lifecycle/group-word.ts';

/** `sglang` runs `python -m sglang.launch_server`, which every version has; `sglang-serve` the newer `sglang serve`. */
export const engineKinds = ['simulator', 'sglang', 'sglang-serve', 'container', 'command', 'external'] as const;
export type EngineKind = (typeof engineKinds)[number];

export const machineKinds = ['auto', 'ec2', 'none'] as const;
export type MachineKind = (typeof machineKinds)[number];

/** Options as the command line and the environment give them. */
export interface RunnerFlags {
  readonly routerUrl?: readonly string[];
  readonly host?: string;
  readonly listenHost: string;
  readonly port: number;
  readonly runnerId?: string;
  readonly instanceId?: string;
  readonly maxSandboxes: number;
  readonly sandboxMemoryMb: number;
  readonly sandboxIdleSeconds: number;
  readonly warmSandboxes: number;
  readonly agents?: string;
  readonly engine?: EngineKind;
  readonly enginePort: number;
  readonly engineUrl?: string;
  readonly engineCommand?: string;
  readonly python: string;
  readonly engineImage?: string;
  readonly containerProgram: string;
  readonly containerOption?: readonly string[];
  readonly containerName?: string;
  readonly engineSetting?: EngineSettings;
  readonly model?: string;
  readonly startupSilenceSeconds: number;
  readonly startupMaxSeconds: number;
  readonly giveUpAfter: number;
  readonly drainSeconds: number;
  readonly machine: MachineKind;
  readonly asg?: string;
  readonly launchHook: string;
  readonly terminateHook: string;
  readonly hookTimeoutSeconds: number;
  readonly prepareCommand?: string;
  readonly dataDir: string;
  readonly logDir?: string;
  readonly internalSecret?: string;
  readonly timeScale: number;
}

/** Everything that a runner is told, parsed once. */
export interface RunnerOptions {
  readonly routerUrls: readonly string[];
  /** Address at which routers reach this machine. */
  readonly advertisedHost: string;
  readonly listenHost: string;
  /** Port of the control surface, 0 for a free one. */
  readonly port: number;
  /** Given name of this runner; undefined derives one from the machine and the port. */
  readonly runnerId: string | undefined;
  readonly instanceId: string | undefined;
  readonly sandboxes: SandboxOptions;
  readonly engine: EngineOptions;
  /** Longest wait for requests in flight before the engine is stopped. */
  readonly drainMs: number;
  readonly machine: MachineOptions;
  /** State that outlives the process: the lock with the engine's pid, a drain that has begun. */
  readonly dataDir: string;
  /** Folder of engine.log. */
  readonly logDir: string;
  readonly internalSecret: string | undefined;
  /** Divides every wait: simulation and tests only. */
  readonly timeScale: number;
}

export interface MachineOptions {
  /** `auto` is EC2 where the hardware or the environment says so. */
  readonly kind: MachineKind;
  /** Auto Scaling group; undefined asks the instance. */
  readonly groupName: string | undefined;
  /** AWS region; undefined asks the instance. */
  readonly region: string | undefined;
  readonly hooks: HookNames;
  /** Shell command that prepares a machine for the warm pool; undefined starts the engine once. */
  readonly prepareCommand: string | undefined;
}

export interface SandboxOptions {
  /** Sessions at one time. */
  readonly max: number;
  /** MiB that one may have for itself; null sets no limit. */
  readonly memoryMb: number | null;
  /** Without a turn for this long a sandbox is ended. */
  readonly idleMs: number;
  /** Kept started and waiting for a session. */
  readonly warm: number;
  /** File that declares agents beside the built-in one. */
  readonly agentsFile: string | undefined;
}

export interface EngineOptions {
  readonly kind: EngineKind;
  /** 0 picks a free one. */
  readonly port: number;
  /** Address of an external engine. */
  readonly url: string | undefined;
  /** Shell command of kind `command`; `{host}`, `{port}` and `{model}` are filled in. */
  readonly command: string | undefined;
  readonly python: string;
  readonly model: string | undefined;
  readonly container: ContainerOptions;
  /** Flags of SGLang by our names or by any spelling of its own. */
  readonly settings: EngineSettings;
  /** Passed to the engine as they are. */
  readonly extraArguments: readonly string[];
  /** A starting engine that logs nothing for this long is ended. */
  readonly startupSilenceMs: number;
  /** A start that takes longer is ended whatever it logs; undefined sets no limit. */
  readonly startupMaxMs: number | undefined;
  /** Launches in a row without a generation after which the engine counts as beyond repair. */
  readonly giveUpAfter: number;
}

export interface ContainerOptions {
  readonly image: string | undefined;
  /** Command line of the container engine: docker, or one that takes the same arguments. */
  readonly program: string;
  /** The same after every restart, so that a container that was left over is found. */
  readonly name: string;
  /** Given to `run` behind our own, so that they win. */
  readonly options: readonly string[];
}

export function resolveRunnerOptions(flags: RunnerFlags, extraArguments: readonly string[]): RunnerOptions {
  const dataDir = path.resolve(flags.dataDir);
  return {
    routerUrls: [...new Set(flags.routerUrl ?? [])],
    advertisedHost: flags.host ?? defaultAdvertisedHost(flags.listenHost),
    listenHost: flags.listenHost,
    port: flags.port,
    runnerId: flags.runnerId,
    instanceId: flags.instanceId,
    sandboxes: {
      max: flags.maxSandboxes,
      memoryMb: flags.sandboxMemoryMb === 0 ? null : flags.sandboxMemoryMb,
      idleMs: flags.sandboxIdleSeconds * 1_000,
      warm: flags.warmSandboxes,
      agentsFile: flags.agents === undefined ? undefined : path.resolve(flags.agents),
    },
    engine: {
      kind: flags.engine ?? defaultEngineKind(flags),
      port: flags.enginePort,
      url: flags.engineUrl,
      command: flags.engineCommand,
      python: flags.python,
      model: flags.model,
      container: {
        image: flags.engineImage,
        program: flags.containerProgram,
        name: flags.containerName ?? defaultContainerName(dataDir),
        options: flags.containerOption ?? [],
      },
      settings: flags.engineSetting ?? {},
      extraArguments,
      startupSilenceMs: flags.startupSilenceSeconds * 1_000,
      startupMaxMs: flags.startupMaxSeconds === 0 ? undefined : flags.startupMaxSeconds * 1_000,
      giveUpAfter: flags.giveUpAfter,
    },
    drainMs: flags.drainSeconds * 1_000,
    machine: {
      kind: flags.machine,
      groupName: flags.asg,
      region: flags.region,
      hooks: {
        launch: flags.launchHook,
        terminate: flags.terminateHook,
        timeoutMs: flags.hookTimeoutSeconds * 1_000,
      },
      prepareCommand: flags.prepareCommand,
    },
    dataDir,
    logDir: flags.logDir === undefined ? path.join(dataDir, 'logs') : path.resolve(flags.logDir),
    internalSecret: flags.internalSecret,
    timeScale: flags.timeScale,
  };
}

/** The engine that the other options imply. A model alone means real SGLang. */
export function defaultEngineKind(
  flags: Pick<RunnerFlags, 'engineUrl' | 'engineCommand' | 'engineImage' | 'model'>,
): EngineKind {
  if (flags.engineUrl !== undefined) return 'external';
  if (flags.engineCommand !== undefined) return 'command';
  if (flags.engineImage !== undefined) return 'container';
  return flags.model === undefined ? 'simulator' : 'sglang';
}

/** One data folder has one runner at a time, so a container of this name is its own. */
function defaultContainerName(dataDir: string): string {
  return `fleet-engine-${createHash('sha256').update(dataDir).digest('hex').slice(0, 8)}`;
}

/** The same after every restart, so that routers recognise a runner that came back. */
export function defaultRunnerId(options: RunnerOptions, port: number): string {
  return options.runnerId ?? options.instanceId ?? `${hostname()}-${port}`;
}

/** What a client on this machine uses for a daemon that listens on `listenHost`. */
export function localHost(listenHost: string): string {
  return listenHost === '0.0.0.0' || listenHost === '::' ? '127.0.0.1' : listenHost;
}

/** An address as it stands in a URL: IPv6 in brackets (RFC 3986 section 3.2.2). */
export function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function defaultAdvertisedHost(listenHost: string): string {
  if (listenHost !== '0.0.0.0' && listenHost !== '::') return listenHost;
  const addresses = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
  return addresses.find((entry) => entry.family === 'IPv4' && !entry.internal)?.address ?? '127.0.0.1';
}
