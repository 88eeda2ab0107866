import { sglangRouterPolicies } from './config/router-schema.ts';
import type { RouterConfig } from './config/schema.ts';
import { secretReference } from './fleet-secrets.ts';
import { ports, terminateHook } from './names.ts';
import type { RouterStore } from './state.ts';
import { type DaemonUnit, metricsFile, stateFolder } from './systemd.ts';
import { nodeProgram, programFolder } from './user-data.ts';

export const routerUnitName = 'fleet-router';
/** Where the embedded store is, and what the router keeps of its own. */
export const routerDataFolder = `${stateFolder}/router`;
export const databaseAuthorityFile = `${programFolder}/database-authority.pem`;
export const sglangRouterPython = '/opt/sglang-router/bin/python';

/** Of connections that clients keep for their next request. */
const shortestSilenceSeconds = 900;
/** What a held request needs to get its first byte, and a whole answer to arrive. */
const deliverySeconds = 60;
/** What a router needs after its drain, to close its store. */
const closeSeconds = 15;
/** Load balancers go on sending to a router that leaves for some seconds. */
const noticeSeconds = 15;

/** What the router must know of its workers before there are any. */
export interface RoutedWorkers {
  /** Auto Scaling group in which it finds them. */
  readonly groupName: string;
  /** What clients ask for when they mean them. */
  readonly model: string;
}

export interface RouterUnitOptions {
  readonly config: RouterConfig;
  readonly region: string;
  readonly workers: readonly RoutedWorkers[];
  readonly store: RouterStore;
  /** Names or ARNs. */
  readonly internalSecret: string;
  readonly apiKeysSecret: string;
}

/**
 * What load balancers allow a request without a byte: streams have comments in them, others are silent until their whole
 * answer is there.
 */
export function silenceSeconds({ holdSeconds, generationSeconds }: RouterConfig): number {
  return Math.max(shortestSilenceSeconds, holdSeconds + deliverySeconds, generationSeconds + deliverySeconds);
}

/** How long a router may take from the word to leave until it has ended. */
export function routerStopSeconds(config: RouterConfig): number {
  return config.drainSeconds + closeSeconds;
}

/** How long the group waits for a router that leaves. */
export function routerLeaveSeconds(config: RouterConfig): number {
  return noticeSeconds + routerStopSeconds(config) + 60;
}

/** How the router runs on its machine. Values of secrets are not among what it is told: it reads them itself. */
export function routerUnit(options: RouterUnitOptions): DaemonUnit {
  const { config, workers, store } = options;
  const words = {
    '--host': '0.0.0.0',
    '--port': String(ports.router),
    '--admin-port': String(ports.admin),
    ...engineWords(config, workers.length > 1),
    '--hold-seconds': String(config.holdSeconds),
    '--drain-seconds': String(config.drainSeconds),
    '--turn-timeout-seconds': String(config.generationSeconds),
    // Longer than any load balancer, which else would send a request into a connection that is about to close.
    '--keep-alive-seconds': String(silenceSeconds(config) + 10),
    '--session-idle-seconds': String(60 * config.sessionIdleMinutes),
    '--publish': 'mixed',
    '--emf-file': metricsFile,
    '--data-dir': routerDataFolder,
  };
  return {
    name: routerUnitName,
    description: 'SGLang fleet router',
    command: [
      nodeProgram,
      `${programFolder}/router.mjs`,
      ...Object.entries(words).flat(),
      // Where one model is served any name will do, as with SGLang itself.
      ...workers.flatMap(({ groupName, model }) => ['--asg', workers.length > 1 ? `${groupName}=${model}` : groupName]),
    ],
    environment: {
      AWS_REGION: options.region,
      FLEET_INTERNAL_SECRET: secretReference(options.internalSecret),
      ...(config.requireKeys && { FLEET_API_KEYS: secretReference(options.apiKeysSecret) }),
    },
    ...(store.kind === 'aurora' && {
      lateEnvironment: {
        FLEET_DATABASE_URL: `${store.url}?sslmode=verify-full&sslrootcert=${databaseAuthorityFile}`,
        FLEET_DATABASE_SECRET: store.secretArn,
      },
    }),
    stopSeconds: routerStopSeconds(config),
    ...(store.kind === 'embedded' && { needsMount: routerDataFolder }),
  };
}

/** The built-in relay follows a policy of ours; the upstream router has names of its own for those that it knows. */
function engineWords({ engine, policy }: RouterConfig, hasSeveralModels: boolean): Record<string, string> {
  if (engine === 'builtin') return { '--router-engine': engine, '--policy': policy };
  const upstreamPolicy = sglangRouterPolicies[policy];
  const upstream = [
    ...(upstreamPolicy === undefined ? [] : ['--policy', upstreamPolicy]),
    // Without it any worker gets any request.
    ...(hasSeveralModels ? ['--enable-igw'] : []),
  ];
  return {
    '--router-engine': engine,
    '--sglang-router-python': sglangRouterPython,
    ...(upstream.length > 0 && { '--sglang-router-arguments': upstream.join(' ') }),
  };
}

/** Ends the router in its own time when the group takes its machine away. */
export function leaveGroupUnit(groupName: string, scriptFile: string): DaemonUnit {
  return {
    name: 'fleet-leave-group',
    description: 'Ends the router before its machine goes',
    command: ['/bin/bash', scriptFile, routerUnitName, groupName, terminateHook, String(noticeSeconds)],
    stopSeconds: 5,
    isPrivileged: true,
  };
}
