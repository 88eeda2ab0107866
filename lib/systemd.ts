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
  const environment = Object.entries({ NODE_ENV: 'production', HOME: stateFolder, ...unit.environment });
  return `[Unit]
Description=${unit.description}
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
User=${daemonUser}
${environment.map(([name, value]) => `Environment=${quote(`${name}=${value}`, false)}`).join('\n')}
ExecStart=${unit.command.map((word) => quote(word, true)).join(' ')}
Restart=always
RestartSec=2
KillMode=mixed
TimeoutStopSec=${unit.stopSeconds}
LimitNOFILE=1048576
StateDirectory=fleet
StateDirectoryMode=0700
LogsDirectory=fleet
UMask=0027
CapabilityBoundingSet=
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
${unit.usesDevices ? 'LimitMEMLOCK=infinity' : 'PrivateDevices=yes\nProtectClock=yes'}
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
RestrictSUIDSGID=yes
RestrictRealtime=yes
LockPersonality=yes

[Install]
WantedBy=multi-user.target
`;
}

/** Quotes a word for systemd: `%` always means a specifier there, `$` a variable in commands only (systemd.service(5)). */
function quote(word: string, isCommand: boolean): string {
  const escaped = word.replaceAll('%', '%%').replaceAll('$', isCommand ? '$$$$' : '$$');
  if (/^[\w@%+=:,./$-]+$/.test(escaped)) return escaped;
  return `"${escaped.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}
