import { secretPrefix } from '../../shared/secret-reference.ts';
import { noLimits } from '../admission/key-meter.ts';
import { type KeyEntry, keyIdPattern, keyPattern, type Scope, sha256Of } from './api-key.ts';

/** The one id of a list whose key may administer: a list has no room for scopes. */
const adminId = 'admin';

/** What FLEET_API_KEYS holds, keys hashed. */
export interface KeyList {
  readonly entries: readonly KeyEntry[];
  /** Names or ARNs of AWS Secrets Manager secrets whose text holds more keys. */
  readonly secretIds: readonly string[];
  /** In words, without any key. Kept rather than thrown: command-line parsers show the value of what they refuse. */
  readonly mistakes: readonly string[];
}

export const noKeys: KeyList = { entries: [], secretIds: [], mistakes: [] };

/**
 * Parses a comma-separated list of `id:key`, bare keys and `aws-secretsmanager:NAME-OR-ARN`. A bare key gets an id made
 * of its digest, which stays the same wherever it stands in the list. The key with the id `admin` has both scopes, all
 * others have inference. Never throws.
 */
export function parseKeyList(text: string): KeyList {
  const entries: KeyEntry[] = [];
  const secretIds: string[] = [];
  const mistakes: string[] = [];
  for (const [index, item] of text.split(',').entries()) {
    const part = item.trim();
    if (part === '') continue;
    if (part.startsWith(secretPrefix)) secretIds.push(part.slice(secretPrefix.length));
    else {
      const parsed = parseItem(part);
      if (typeof parsed === 'string') mistakes.push(`item ${index + 1}: ${parsed}`);
      else entries.push(parsed);
    }
  }
  if (secretIds.includes('')) mistakes.push(`a secret has no name behind ${secretPrefix}`);
  return { entries, secretIds, mistakes };
}

/** @returns what is wrong, in words, when something is */
function parseItem(item: string): KeyEntry | string {
  const colon = item.indexOf(':');
  const key = item.slice(colon + 1);
  if (key === '') return 'there is no key behind the id';
  if (!keyPattern.test(key)) return 'a key is made of printable ASCII characters without spaces';
  const sha256 = sha256Of(key);
  const keyId = colon < 0 ? `key-${sha256.slice(0, 12)}` : item.slice(0, colon);
  if (!keyIdPattern.test(keyId)) return 'an id is made of 1 to 100 letters, digits, "_", ".", "@" and "-"';
  const scopes: readonly Scope[] = keyId === adminId ? ['inference', 'admin'] : ['inference'];
  return { keyId, sha256, scopes, limits: noLimits };
}
