import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { cgroupFolder } from './own-cgroup.ts';

/** What a sandbox's group is to limit. */
const controllers = ['cpu', 'memory', 'pids'];
/**
 * CPU time of all sandboxes together, against 100 for the host with the engine that it started. Each group has a hundred of
 * its own within them, so they are equal among themselves.
 */
const sandboxesWeight = 50;

/** The folder of this process's own control group; undefined where it is in none of cgroup v2. */
export function ownCgroup(): string | undefined {
  try {
    return cgroupFolder(readFileSync('/proc/self/cgroup', 'utf8'), readFileSync('/proc/self/mountinfo', 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * Divides a control group that was delegated to this process (`Delegate=` of a systemd unit): `host`, into which the process
 * moves with all that it will start, and `sandboxes`. The group itself must be empty to have groups that limit anything
 * (the rule of no internal processes: Control Group v2, kernel documentation).
 * It is taken for delegated when it is writable, has the controllers, and this process is alone in it: a terminal's group
 * is its shell's.
 * @param folder the group that this process is in
 * @returns the folder of `sandboxes`; undefined when the group is not ours to divide: nothing has changed then
 */
export function divideCgroup(folder: string, pid = process.pid): string | undefined {
  const host = path.join(folder, 'host');
  const sandboxes = path.join(folder, 'sandboxes');
  const enabled = controllers.map((name) => `+${name}`).join(' ');
  if (!isAlone(folder, pid) || !hasControllers(folder)) return undefined;
  try {
    mkdirSync(host, { recursive: true });
    writeFileSync(path.join(host, 'cgroup.procs'), String(pid));
    writeFileSync(path.join(folder, 'cgroup.subtree_control'), enabled);
    mkdirSync(sandboxes, { recursive: true });
    writeFileSync(path.join(sandboxes, 'cpu.weight'), String(sandboxesWeight));
    writeFileSync(path.join(sandboxes, 'cgroup.subtree_control'), enabled);
    return sandboxes;
  } catch {
    undo(folder, pid);
    return undefined;
  }
}

function isAlone(folder: string, pid: number): boolean {
  return readWords(path.join(folder, 'cgroup.procs')).join() === String(pid);
}

function hasControllers(folder: string): boolean {
  const available = readWords(path.join(folder, 'cgroup.controllers'));
  return controllers.every((name) => available.includes(name));
}

function undo(folder: string, pid: number): void {
  const disabled = controllers.map((name) => `-${name}`).join(' ');
  for (const step of [
    () => rmdirSync(path.join(folder, 'sandboxes')),
    () => writeFileSync(path.join(folder, 'cgroup.subtree_control'), disabled),
    () => writeFileSync(path.join(folder, 'cgroup.procs'), String(pid)),
    () => rmdirSync(path.join(folder, 'host')),
  ]) {
    try {
      step();
    } catch {
      // Not everything had been done; each step stands for itself.
    }
  }
}

function readWords(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split(/\s+/).filter(Boolean);
  } catch {
    return [];
  }
}
