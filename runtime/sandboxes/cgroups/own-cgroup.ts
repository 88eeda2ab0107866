/**
 * Folder of the control group that a process is in, by its /proc/PID/cgroup and /proc/PID/mountinfo (cgroups(7), proc(5)).
 * @returns undefined without cgroup v2, and for a group that is not under what is mounted here
 */
export function cgroupFolder(cgroup: string, mountInfo: string): string | undefined {
  const group = cgroup.match(/^0::(\/.*)$/m)?.[1];
  if (group === undefined) return undefined;
  for (const line of mountInfo.split('\n')) {
    // ID, parent, device, root within the file system, mount point, options ... - type, source, options
    const [mount, type] = line.split(' - ');
    if (!type?.startsWith('cgroup2 ')) continue;
    const [, , , root, mountPoint] = mount!.split(' ').map(unescapeMount);
    const below = pathBelow(root!, group);
    if (below !== undefined) return `${mountPoint}${below}`;
  }
  return undefined;
}

/** What of `path` comes behind `root`, with its slash; undefined when it is elsewhere. */
function pathBelow(root: string, path: string): string | undefined {
  // From within a cgroup namespace, what is outside of it begins with `/..`.
  if (path === '/..' || path.startsWith('/../')) return undefined;
  if (root === '/') return path === '/' ? '' : path;
  if (path === root) return '';
  return path.startsWith(`${root}/`) ? path.slice(root.length) : undefined;
}

/** Spaces and the like are written as `\040`. */
function unescapeMount(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
