import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { describeError } from '../../shared/errors.ts';
import { watchFiles } from '../../shared/file-change.ts';
import type { Logger } from '../../shared/log.ts';
import type { SecretLoader } from '../../shared/secrets-manager.ts';
import type { KeyEntry } from './api-key.ts';
import { parseKeyFile } from './key-file.ts';
import { type KeyList, parseKeyList } from './key-list.ts';
import { KeyMistakes } from './key-mistakes.ts';
import { KeyRing } from './key-ring.ts';

export interface KeyRingOptions {
  /** YAML or JSON file of keys, read again whenever it changes. */
  readonly file: string | undefined;
  /** What FLEET_API_KEYS holds. */
  readonly list: KeyList;
  readonly loadSecret: SecretLoader;
  readonly log: Logger;
  /** Ends the watching. */
  readonly signal: AbortSignal;
  /** @default 2000 */
  readonly fileIntervalMs?: number;
  /** @default 300000: secrets are rotated by the day */
  readonly secretIntervalMs?: number;
}

/**
 * The keys of all configured sources; an open ring when none is configured. Follows the file and the secrets from then
 * on: what cannot be read or has mistakes is logged, and the former keys stay.
 * @throws KeyMistakes, or the error of reading, when a source is not usable at the start
 */
export async function openKeyRing(options: KeyRingOptions): Promise<KeyRing> {
  const { file, list, loadSecret, log, signal } = options;
  const ring = new KeyRing();
  const load = async (source: string, read: () => Promise<readonly KeyEntry[]>) => {
    const entries = await read();
    ring.replace(source, entries);
    log.info('API keys loaded', { source, count: entries.length });
  };
  const reload = async (source: string, read: () => Promise<readonly KeyEntry[]>) => {
    await load(source, read).catch((error: unknown) =>
      log.error('API keys not reloaded, the former ones stay', { source, detail: describeError(error) }),
    );
  };

  if (list.mistakes.length > 0) throw new KeyMistakes('FLEET_API_KEYS', list.mistakes);
  if (list.entries.length > 0) await load('FLEET_API_KEYS', async () => list.entries);
  if (file !== undefined) {
    const read = async () => parseKeyFile(file, await readFile(file, 'utf8'));
    // First the watch, then the reading: a change in between is seen.
    await watchFiles({ paths: [file], intervalMs: options.fileIntervalMs, signal, onChange: () => reload(file, read) });
    await load(file, read);
  }
  for (const secretId of list.secretIds) {
    const read = async () => parseSecret(secretId, await loadSecret(secretId));
    await load(secretId, read);
    void repeat(options.secretIntervalMs ?? 300_000, signal, () => reload(secretId, read));
  }
  return ring;
}

/**
 * A secret holds what a key file holds, or one entry of such a file, or what FLEET_API_KEYS holds. One entry alone is what
 * AWS can make a random key for.
 */
export function parseSecret(secretId: string, text: string): readonly KeyEntry[] {
  if (/^\s*\{/.test(text)) return parseKeyFile(secretId, `[${text}]`);
  const isFile = /^\s*(\[|#|- )/.test(text);
  if (isFile) return parseKeyFile(secretId, text);
  const { entries, secretIds, mistakes } = parseKeyList(text);
  const all = [...mistakes, ...(secretIds.length > 0 ? ['a secret cannot name another secret'] : [])];
  if (entries.length === 0 && all.length === 0) all.push('it holds no key');
  if (all.length > 0) throw new KeyMistakes(secretId, all);
  return entries;
}

async function repeat(intervalMs: number, signal: AbortSignal, action: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    await delay(intervalMs, undefined, { signal, ref: false }).catch(() => {});
    if (!signal.aborted) await action();
  }
}
