import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** One running process. Zombies are not listed: they hold no memory and no port. */
export interface ProcessRow {
  readonly pid: number;
  readonly parentPid: number;
  readonly groupId: number;
  /** When it started, as an opaque text that differs between two processes that had the same pid. */
  readonly startedAt: string;
}

/** A process that cannot be confused with a later one of the same pid. */
export type ProcessIdentity = Pick<ProcessRow, 'pid' | 'startedAt'>;

/**
 * All running processes of this machine. Synchronous, so that it also works while the process exits.
 * Reads /proc where it exists and calls `ps` elsewhere (macOS).
 */
export function readProcessTable(): ProcessRow[] {
  if (process.platform !== 'linux') return readWithPs(['-A']);
  const bootId = readBootId();
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => readFromProc(Number(pid), bootId))
    .filter((row) => row !== undefined);
}

/** The process with this pid, undefined when none is running. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  const row = process.platform === 'linux' ? readFromProc(pid, readBootId()) : readWithPs(['-p', String(pid)])[0];
  return row && { pid: row.pid, startedAt: row.startedAt };
}

export function isRunning(identity: ProcessIdentity): boolean {
  return identifyProcess(identity.pid)?.startedAt === identity.startedAt;
}

/** Parses /proc/PID/stat, see proc(5): the command name in parentheses may itself hold spaces and parentheses. */
export function parseProcStat(stat: string, bootId: string): ProcessRow | undefined {
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (state === 'Z' || state === 'X') return undefined;
  return {
    pid: Number.parseInt(stat, 10),
    parentPid: Number(fields[0]),
    groupId: Number(fields[1]),
    startedAt: `${bootId}:${fields[18]}`,
  };
}

function readFromProc(pid: number, bootId: string): ProcessRow | undefined {
  try {
    return parseProcStat(readFileSync(`/proc/${pid}/stat`, 'utf8'), bootId);
  } catch {
    return undefined; // It ended meanwhile.
  }
}

/** Start times in /proc count from boot, so two boots need telling apart. */
function readBootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim().slice(0, 8);
}

function readWithPs(selection: readonly string[]): ProcessRow[] {
  const { stdout } = spawnSync('ps', [...selection, '-o', 'pid=,ppid=,pgid=,stat=,lstart='], { encoding: 'utf8' });
  return (stdout ?? '')
    .split('\n')
    .map((line) => line.trim().match(/^(\d+) +(\d+) +(\d+) +(\S+) +(.+)$/))
    .filter((match) => match !== null && !match[4]!.startsWith('Z'))
    .map((match) => ({
      pid: Number(match![1]),
      parentPid: Number(match![2]),
      groupId: Number(match![3]),
      startedAt: match![5]!,
    }));
}
