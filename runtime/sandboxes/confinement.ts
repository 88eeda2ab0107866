import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { divideCgroup, ownCgroup } from './cgroups/delegated-cgroup.ts';

/** What this machine offers to hold a sandbox's processes down, beside what the host does itself. */
export interface Confinement {
  /** `nice`: sandboxes give way to the engine, the router and the runner when the CPU is short. */
  readonly hasNice: boolean;
  /** `setpriv --pdeathsig`: the kernel ends a sandbox with its host, also after a `kill -9` of the host. */
  readonly hasDeathSignal: boolean;
  /** Folder of the control group in which this host makes one for each sandbox; undefined where none is delegated to it. */
  readonly cgroup: string | undefined;
  /** How systemd makes a control group for each sandbox instead; undefined where there is none that this user may make. */
  readonly systemdScope: 'system' | 'user' | undefined;
}

export const noConfinement: Confinement = {
  hasNice: false,
  hasDeathSignal: false,
  cgroup: undefined,
  systemdScope: undefined,
};

export const sandboxNiceness = 5;
/** systemd's default is 100, which the daemons have. */
const cpuWeight = 50;
const probeTimeoutMs = 3_000;

/**
 * Tries each means once, and takes possession of a control group that is delegated to this process, which therefore must
 * not have started anything yet. Takes some milliseconds; never rejects.
 * @param own folder of the control group that this process is in
 */
export async function probeConfinement(own = ownCgroup()): Promise<Confinement> {
  if (process.platform !== 'linux') return { ...noConfinement, hasNice: await works(nice()) };
  const cgroup = own === undefined ? undefined : divideCgroup(own);
  const [hasNice, hasDeathSignal, systemdScope] = await Promise.all([
    works(nice()),
    works(deathSignal()),
    cgroup === undefined ? probeSystemd() : undefined,
  ]);
  return { hasNice, hasDeathSignal, cgroup, systemdScope };
}

/** The words that stand before a sandbox's command. Each of them becomes the command in the end: the pid stays. */
export function confiningPrefix(confinement: Confinement, memoryMb: number | null): string[] {
  const { systemdScope } = confinement;
  return [
    ...(systemdScope === undefined ? [] : scope(systemdScope, memoryMb)),
    ...(confinement.hasNice ? nice() : []),
    ...(confinement.hasDeathSignal ? deathSignal() : []),
  ];
}

function scope(manager: 'system' | 'user', memoryMb: number | null): string[] {
  const memory = memoryMb === null ? [] : ['-p', `MemoryMax=${memoryMb}M`, '-p', 'MemorySwapMax=0'];
  return [
    'systemd-run',
    `--${manager}`,
    '--scope',
    '--quiet',
    '--collect',
    ...memory,
    '-p',
    `CPUWeight=${cpuWeight}`,
    '--',
  ];
}

function nice(): string[] {
  return ['nice', '-n', String(sandboxNiceness)];
}

function deathSignal(): string[] {
  return ['setpriv', '--pdeathsig', 'KILL'];
}

async function probeSystemd(): Promise<Confinement['systemdScope']> {
  // sd_booted(3)
  if (!existsSync('/run/systemd/system')) return undefined;
  for (const manager of ['system', 'user'] as const) {
    if (await works(scope(manager, 64))) return manager;
  }
  return undefined;
}

async function works(prefix: readonly string[]): Promise<boolean> {
  const [file, ...args] = prefix;
  try {
    await promisify(execFile)(file!, [...args, 'true'], { timeout: probeTimeoutMs });
    return true;
  } catch {
    return false;
  }
}
