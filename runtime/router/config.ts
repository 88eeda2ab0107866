import type { PublishMode } from '../shared/cloudwatch/create-sink.ts';
import type { LogLevel } from '../shared/log.ts';
import type { KeyList } from './keys/key-list.ts';
import type { ManagedOptions } from './managed/options.ts';
import type { PolicyName } from './policy/policies.ts';
import type { WorkerGroupOption } from './scaling/worker-groups.ts';

/** Everything that a router process is told at its start; built by command.ts from the command line and environment. */
export interface RouterConfig {
  /** 0 takes a free port; the log line "router listening" names it. */
  readonly port: number;
  readonly host: string;
  /** Engines that are known from the start; base URLs. */
  readonly workerUrls: readonly string[];
  readonly policy: PolicyName;
  /** The sglang-router that carries the requests; undefined leaves them to this router's own relay. */
  readonly managed: ManagedOptions | undefined;
  /** Folder of the embedded store; undefined keeps it in memory. */
  readonly dataDir: string | undefined;
  /** URL of a Postgres that several routers share, instead of the embedded store. */
  readonly databaseUrl: string | undefined;
  /** Secret of AWS Secrets Manager with its password, by name or ARN; followed as it changes. */
  readonly databaseSecret: string | undefined;
  /** A session without a message for so long is paused; one that was paused for so long is ended. */
  readonly sessionIdleSeconds: number;
  readonly sessionEndSeconds: number;
  /** One that ended so long ago is deleted with its transcript; 0 keeps it for ever. */
  readonly sessionRetentionHours: number;
  /** Sessions of one key that have not ended. */
  readonly maxSessionsPerKey: number;
  /** Sandboxes that this router hosts itself, for a fleet of one machine without runners; 0 hosts none. */
  readonly localSandboxes: number;
  /** YAML file of agents that they may run beside `chat`. */
  readonly agents: string | undefined;
  /** Longest time for the answer to one message of a session. */
  readonly turnTimeoutSeconds: number;
  /** Auto Scaling groups whose instances are workers. */
  readonly workerGroups: readonly WorkerGroupOption[];
  /** AWS region of the groups and of secrets; undefined asks the instance metadata. */
  readonly region: string | undefined;
  /** Instances that a group is raised to when requests are held for it and it is at zero; 0 never raises it. */
  readonly startWorkers: number;
  /** How the group's metrics travel; undefined is the default of metric sinks with a group, and `none` without. */
  readonly publish: PublishMode | 'none' | undefined;
  readonly metricNamespace: string | undefined;
  /** File to which metrics in log lines are appended; undefined prints them. */
  readonly emfFile: string | undefined;
  /** Ports of engines and runners on instances that Auto Scaling names. */
  readonly enginePort: number;
  readonly runnerPort: number;
  /** Bearer secret of the internal routes; undefined leaves them open. */
  readonly internalSecret: string | undefined;
  /** Second listener for internal, admin and metrics routes; undefined leaves them on the first. */
  readonly adminPort: number | undefined;
  /** API keys as FLEET_API_KEYS gives them; parsed and hashed. */
  readonly apiKeys: KeyList;
  /** YAML or JSON file of API keys, followed while the router runs. */
  readonly apiKeysFile: string | undefined;
  /** Requests that run at the same time, over all workers and on each; Infinity is no cap. */
  readonly maxConcurrentRequests: number;
  readonly maxConcurrentPerWorker: number;
  /** Requests that may wait for a slot, and the bytes of their bodies. */
  readonly queueSize: number;
  readonly queueBytes: number;
  readonly queueTimeoutSeconds: number;
  /** Certificate and key of the listeners, PEM files; both or neither. */
  readonly tlsCert: string | undefined;
  readonly tlsKey: string | undefined;
  /** Authorities of https engines' certificates, PEM file. */
  readonly engineCa: string | undefined;
  /** Take any certificate from engines. */
  readonly engineInsecure: boolean;
  /** Bearer token that the engines want. */
  readonly engineApiKey: string | undefined;
  readonly maxBodyBytes: number;
  /** Longest wait of a request for a ready worker, in seconds. */
  readonly holdSeconds: number;
  readonly injectRid: boolean;
  /** How long a connection stays open on which a client asks nothing, in seconds. */
  readonly keepAliveSeconds: number;
  /** Longest silence of a stream before it gets a comment, in seconds. */
  readonly heartbeatSeconds: number;
  /** Memory for what the router remembers of the workers' prefix caches, in MiB. */
  readonly prefixMemoryMb: number;
  /** Longest wait for answers in flight at shut-down, in seconds. */
  readonly drainSeconds: number;
  /** Divides waits and polls; for engines that run faster than real time only. */
  readonly timeScale: number;
  readonly logLevel: LogLevel;
}
