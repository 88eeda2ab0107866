export interface DaemonUnit {
  /** Unit name without `.service`. */
  readonly name: string;
  readonly description: string;
  /** Program and arguments; each may hold any character. */
  readonly command: readonly string[];
  /** @default - none */
  readonly environment?: Readonly<Record<string, string>>;
  /** The part of it that only the deployment knows, such as addresses of other stacks' resources. @default - none */
  readonly lateEnvironment?: Readonly<Record<string, string>>;
  /** From SIGTERM to SIGKILL. Must exceed what the daemon itself allows for its drain. */
  readonly stopSeconds: number;
  /** The daemon may see devices such as GPUs. @default false */
  readonly usesDevices?: boolean;
  /** The daemon divides its control group among processes that it starts, and limits them. @default false */
  readonly dividesCgroup?: boolean;
  /** Services without which it does not start, without `.service`. @default - none */
  readonly requires?: readonly string[];
  /** System groups that the daemon belongs to besides its own. @default - none */
  readonly groups?: readonly string[];
  /** A folder that must be mounted before the daemon starts. @default - none */
  readonly needsMount?: string;
  /** Runs as root, for what only root may do, such as stopping another unit; keeps no state. @default false */
  readonly isPrivileged?: boolean;
}

/** The system user that every daemon runs as. */
export const daemonUser = 'fleet';
/** Kept over restarts, readable by the daemons alone. systemd makes it. */
export const stateFolder = '/var/lib/fleet';
export const logFolder = '/var/log/fleet';
/** Where a daemon writes metrics in log lines, one JSON object a line, for the CloudWatch agent to collect. */
export const metricsFile = `${logFolder}/metrics.emf`;

/**
 * A hardened systemd unit. The daemon writes to its state and log folders and nowhere else, gains no privileges, is
 * restarted for ever, and at a stop gets SIGTERM alone: its children end when it ends them, or at the deadline.
 */
export function daemonUnit(unit: DaemonUnit): string {
  const { requires = [], groups = [], needsMount, isPrivileged = false } = unit;
  const required = requires.map((name) => `${name}.service`).join(' ');
  const environment = Object.entries({ NODE_ENV: 'production', HOME: stateFolder, ...unit.environment });
  return unitText({
    Unit: [
      `Description=${unit.description}`,
      'Wants=network-online.target',
      `After=${['network-online.target', required].join(' ').trimEnd()}`,
      ...(required === '' ? [] : [`Requires=${required}`]),
      ...(needsMount === undefined ? [] : [`RequiresMountsFor=${needsMount}`]),
      'StartLimitIntervalSec=0',
    ],
    Service: [
      ...(isPrivileged ? [] : [`User=${daemonUser}`]),
      ...(groups.length === 0 ? [] : [`SupplementaryGroups=${groups.join(' ')}`]),
      ...environment.map(([name, value]) => environmentLine(name, value)),
      `ExecStart=${unit.command.map((word) => quote(word, true)).join(' ')}`,
      'Restart=always',
      'RestartSec=2',
      'KillMode=mixed',
      `TimeoutStopSec=${unit.stopSeconds}`,
      'LimitNOFILE=1048576',
      'UMask=0027',
      ...(isPrivileged ? [] : ownFolders),
      'NoNewPrivileges=yes',
      'ProtectSystem=strict',
      'ProtectHome=yes',
      'PrivateTmp=yes',
      // ProtectClock limits the devices that a unit may open, and with that hides the GPUs.
      ...(unit.usesDevices ? ['LimitMEMLOCK=infinity'] : ['PrivateDevices=yes', 'ProtectClock=yes']),
      'ProtectKernelTunables=yes',
      'ProtectKernelModules=yes',
      'ProtectKernelLogs=yes',
      ...(unit.dividesCgroup ? delegated : ['ProtectControlGroups=yes']),
      'ProtectHostname=yes',
      'RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK',
      'RestrictSUIDSGID=yes',
      'RestrictRealtime=yes',
      'SystemCallArchitectures=native',
      'LockPersonality=yes',
    ],
    Install: ['WantedBy=multi-user.target'],
  });
}

/** Sets a variable, in the section of a service. */
export function environmentLine(name: string, value: string): string {
  return `Environment=${quote(`${name}=${value}`, false)}`;
}

/** The text of a unit file, from the lines of its sections. */
export function unitText(sections: Readonly<Record<string, readonly string[]>>): string {
  return Object.entries(sections)
    .map(([name, lines]) => `[${name}]\n${lines.join('\n')}\n`)
    .join('\n');
}

/** Of the daemons' user; for root systemd would take them away from it. */
const ownFolders = ['StateDirectory=fleet', 'StateDirectoryMode=0700', 'LogsDirectory=fleet', 'CapabilityBoundingSet='];

/**
 * The control groups stay writable then; but those outside of the unit's own belong to root. Its sandboxes have limits of
 * their own, all together none: an engine alone has hundreds of threads.
 */
const delegated = ['Delegate=cpu memory pids', 'TasksMax=infinity'];

/** Quotes a word for systemd: `%` always means a specifier there, `$` a variable in commands only (systemd.service(5)). */
function quote(word: string, isCommand: boolean): string {
  const escaped = word.replaceAll('%', '%%').replaceAll('$', isCommand ? '$$$$' : '$$');
  if (/^[\w@%+=:,./$-]+$/.test(escaped)) return escaped;
  return `"${escaped.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}
