import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import path from 'node:path';
import type { Logger } from '../../shared/log.ts';
import type { Departure, DepartureCause } from './departure.ts';

/** What the next process of the same boot has to know. */
export interface SavedLifecycle {
  readonly departure: Departure | undefined;
  readonly isUnhealthyTold: boolean;
  /** This runner switched the instance's protection from scale-in on; an operator's own is not ours to take away. */
  readonly isProtected: boolean;
}

export const nothingSaved: SavedLifecycle = { departure: undefined, isUnhealthyTold: false, isProtected: false };

const causes: ReadonlySet<string> = new Set<DepartureCause>([
  'signal',
  'request',
  'scale-in',
  'warm-pool',
  'spot',
  'rebalance',
  'engine-failure',
  'gpu-failure',
]);

/**
 * The life cycle's memory in the data folder. It counts for one boot: an instance that was stopped and started again is
 * asked for its target state like a new one. Calls are synchronous, so that a step is on disk before it is taken.
 */
export class LifecycleFile {
  readonly #path: string;
  readonly #bootId: string;
  readonly #log: Logger;
  #saved: string | undefined;

  constructor(dataDir: string, log: Logger, bootId = readBootId()) {
    this.#path = path.join(dataDir, 'lifecycle.json');
    this.#bootId = bootId;
    this.#log = log;
  }

  /** Never throws: a file that cannot be read is worth a warning, not a worker. */
  load(): SavedLifecycle {
    let text: string;
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#log.warn('life cycle not read', { error });
      return nothingSaved;
    }
    const saved = parseSaved(text, this.#bootId);
    if (saved === undefined) this.#log.warn('life cycle not understood', { file: this.#path });
    return saved ?? nothingSaved;
  }

  /** Replaces the file at once and durably. A full disk is logged and does not keep a drain from its end. */
  save(saved: SavedLifecycle): void {
    const text = `${JSON.stringify({ version: 1, bootId: this.#bootId, ...saved })}\n`;
    if (text === this.#saved) return;
    const draft = `${this.#path}.${process.pid}`;
    try {
      const file = openSync(draft, 'w', 0o600);
      try {
        writeSync(file, text);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(draft, this.#path);
      this.#saved = text;
    } catch (error) {
      this.#log.error('life cycle not saved', { error });
    }
  }
}

/** @returns `nothingSaved` for another boot, undefined for what is no such file */
export function parseSaved(text: string, bootId: string): SavedLifecycle | undefined {
  let value: Readonly<Record<string, unknown>>;
  try {
    value = JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
  if (value?.['version'] !== 1 || typeof value['bootId'] !== 'string') return undefined;
  if (value['bootId'] !== bootId) return nothingSaved;
  const departure = parseDeparture(value['departure']);
  if (departure === 'malformed') return undefined;
  return {
    departure,
    isUnhealthyTold: value['isUnhealthyTold'] === true,
    isProtected: value['isProtected'] === true,
  };
}

function parseDeparture(value: unknown): Departure | undefined | 'malformed' {
  if (value === undefined || value === null) return undefined;
  const { causes: given, startedAtMs, deadlineAtMs, isHard } = value as Partial<Departure>;
  const isWellFormed =
    Array.isArray(given) &&
    given.length > 0 &&
    given.every((cause) => causes.has(cause)) &&
    Number.isFinite(startedAtMs) &&
    Number.isFinite(deadlineAtMs);
  return isWellFormed
    ? { causes: given, startedAtMs: startedAtMs!, deadlineAtMs: deadlineAtMs!, isHard: isHard === true }
    : 'malformed';
}

/** Changes with every start of the machine; elsewhere than on Linux a file counts for all of them. */
function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return 'unknown';
  }
}
