import { stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

export interface FileChangeOptions {
  readonly paths: readonly string[];
  /** @default 2000 */
  readonly intervalMs?: number;
  readonly signal: AbortSignal;
  /** Called after at least one of the files changed, one call at a time. Must not throw. */
  readonly onChange: () => void | Promise<void>;
}

/**
 * Watches files by looking at them again and again, until `signal` aborts. Looking works where notification does not:
 * network file systems, mounted secrets that are swapped by a link, editors that replace the file. A missing file is a
 * state like any other. Resolves once the present state is noted, so that no later change is missed.
 */
export async function watchFiles({ paths, intervalMs = 2_000, signal, onChange }: FileChangeOptions): Promise<void> {
  let seen = await stampsOf(paths);
  const look = async () => {
    while (!signal.aborted) {
      await delay(intervalMs, undefined, { signal, ref: false }).catch(() => {});
      if (signal.aborted) return;
      const now = await stampsOf(paths);
      if (now === seen) continue;
      seen = now;
      await onChange();
    }
  };
  void look();
}

/** Changes when any of the files is written, replaced, removed or comes back. */
async function stampsOf(paths: readonly string[]): Promise<string> {
  const stamps = paths.map((path) =>
    stat(path, { bigint: true }).then(
      ({ mtimeNs, size, ino }) => `${mtimeNs}/${size}/${ino}`,
      () => 'missing',
    ),
  );
  return (await Promise.all(stamps)).join(' ');
}
