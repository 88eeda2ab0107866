import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { CodedError } from '../../shared/errors.ts';
import { routerError } from '../errors.ts';
import { type ApiKey, anyone, type KeyEntry, type Scope, sha256Of } from './api-key.ts';
import { KeyMistakes } from './key-mistakes.ts';
import { presentedKey } from './presented-key.ts';

interface Held {
  readonly key: ApiKey;
  readonly digest: Buffer;
}

/** Compared with when a key is unknown, so that unknown and known keys cost the same. */
const nobody: Held = { key: anyone, digest: Buffer.alloc(32) };

/**
 * The API keys of a router, from any number of sources. Keys are found by the digest of what the client presents:
 * one look-up however many there are, and a digest cannot be steered towards a stored one byte by byte.
 */
export class KeyRing {
  readonly #sources = new Map<string, readonly KeyEntry[]>();
  #byDigest: ReadonlyMap<string, Held> = new Map();

  /** Whether no source was ever given: every request passes. A source without keys lets nobody in. */
  get isOpen(): boolean {
    return this.#sources.size === 0;
  }

  get size(): number {
    return this.#byDigest.size;
  }

  /**
   * Sets the keys of one source.
   * @throws KeyMistakes when an id or a key is that of another source; the keys stay as they were then
   */
  replace(source: string, entries: readonly KeyEntry[]): void {
    const sources = new Map(this.#sources).set(source, entries);
    this.#byDigest = indexByDigest(sources, source);
    this.#sources.set(source, entries);
  }

  /** Who sends a request with these headers, or why it may not pass: UNAUTHORIZED or FORBIDDEN, for the caller to throw. */
  authorize(headers: IncomingHttpHeaders, scope: Scope): ApiKey | CodedError {
    if (this.isOpen) return anyone;
    const presented = presentedKey(headers);
    const key = presented === undefined ? undefined : this.#find(presented);
    if (key === undefined) return routerError('UNAUTHORIZED');
    return key.scopes.includes(scope) ? key : routerError('FORBIDDEN', { keyId: key.keyId, scope });
  }

  #find(presented: string): ApiKey | undefined {
    const digest = sha256Of(presented);
    const held = this.#byDigest.get(digest) ?? nobody;
    const isEqual = timingSafeEqual(Buffer.from(digest, 'hex'), held.digest);
    return isEqual && held !== nobody ? held.key : undefined;
  }
}

function indexByDigest(sources: ReadonlyMap<string, readonly KeyEntry[]>, changed: string): Map<string, Held> {
  const byDigest = new Map<string, Held>();
  const ids = new Set<string>();
  const mistakes: string[] = [];
  for (const { sha256, ...key } of [...sources.values()].flat()) {
    if (ids.has(key.keyId)) mistakes.push(`the id "${key.keyId}" is given twice`);
    if (byDigest.has(sha256)) mistakes.push(`"${key.keyId}" has the key of "${byDigest.get(sha256)!.key.keyId}"`);
    ids.add(key.keyId);
    byDigest.set(sha256, { key, digest: Buffer.from(sha256, 'hex') });
  }
  if (mistakes.length > 0) throw new KeyMistakes(changed, mistakes);
  return byDigest;
}
