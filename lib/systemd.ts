export interface DaemonUnit {
  /** Unit name without `.service`. */
  readonly name: string;
  readonly description: string;
  /** Program and arguments; each may hold any character. */
  readonly command: readonly string[];
  /** @default - none */
  readonly environment?: Readonly<Record<string, string>>;
  /** From SIGTERM to SIGKILL. Must exceed what the daemon itself allows for its drain. */
  readonly stopSeconds: number;
  /** The daemon may see devices such as GPUs. @default false */
  readonly usesDevices?: boolean;
  /** A folder that must be mounted before the daemon starts. @default - none */
  readonly needsMount?: string;
  /** Runs as root, for what only root may do, such as stopping another unit; keeps no state. @default false */
  readonly isPrivileged?: boolean;
  /** The daemon divides its control group among processes that it starts, and limits them. @default false */
  readonly dividesCgroup?: boolean;
}

/** The system user that every daemon runs as. */
export const daemonUser = 'fleet';
/** Kept over restarts, readable by the daemons alone. systemd makes it. */
export const stateFolder = '/var/lib/fleet';
export const logFolder = '/var/log/fleet';
/** Where a daemon writes metrics in log lines, one JSON object a line, for the CloudWatch agent to collect. */
export const metricsFile = `${logFolder}/metrics.emf`;

/**
 * The control groups stay writable then; but those outside of the unit's own belong to root. Its sandboxes have limits of
 * their own, all together none: an engine alone has hundreds of threads.
 */
const delegated = 'Delegate=cpu memory pids\nTasksMax=infinity';

/**
 * A hardened systemd unit. The daemon writes to its state and log folders and nowhere else, gains no privileges, is
 * restarted for ever, and at a stop gets SIGTERM alone: its children end when it ends them, or at the deadline.
 */
export function daemonUnit(unit: DaemonUnit): string {
  const environment = Object.entries({ NODE_ENV: 'production', HOME: stateFolder, ...unit.environment });
  return `[Unit]
Description=${unit.description}
Wants=network-online.target
After=network-online.target
${unit.needsMount === undefined ? '' : `RequiresMountsFor=${unit.needsMount}\n`}StartLimitIntervalSec=0

[Service]
${unit.isPrivileged ? '' : `User=${daemonUser}\n`}${environment.map(([name, value]) => `Environment=${quote(`${name}=${value}`, false)}`).join('\n')}
ExecStart=${unit.command.map((word) => quote(word, true)).join(' ')}
Restart=always
RestartSec=2
KillMode=mixed
TimeoutStopSec=${unit.stopSeconds}
LimitNOFILE=1048576
UMask=0027
${unit.isPrivileged ? '' : ownFolders}NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
${unit.usesDevices ? 'LimitMEMLOCK=infinity' : 'PrivateDevices=yes\nProtectClock=yes'}
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
${unit.dividesCgroup ? delegated : 'ProtectControlGroups=yes'}
RestrictSUIDSGID=yes
RestrictRealtime=yes
LockPersonality=yes

[Install]
WantedBy=multi-user.target
`;
}

/** Of the daemons' user; for root systemd would take them away from it. */
const ownFolders = `StateDirectory=fleet
StateDirectoryMode=0700
LogsDirectory=fleet
CapabilityBoundingSet=
`;

/** Quotes a word for systemd: `%` always means a specifier there, `$` a variable in commands only (systemd.service(5)). */
function quote(word: string, isCommand: boolean): string {
  const escaped = word.replaceAll('%', '%%').replaceAll('$', isCommand ? '$$$$' : '$$');
  if (/^[\w@%+=:,./$-]+$/.test(escaped)) return escaped;
  return `"${escaped.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}
