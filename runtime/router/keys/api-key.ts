import { hash } from 'node:crypto';
import { type KeyLimits, noLimits } from '../admission/key-meter.ts';

/** What a key may do: `inference` sends requests to engines, `admin` looks at the fleet and changes it. */
export const scopes = ['inference', 'admin'] as const;
export type Scope = (typeof scopes)[number];

/** Who sends a request and what he may. Never holds the key itself. */
export interface ApiKey {
  /** The name of the key: safe to log, the owner of sessions, a label. */
  readonly keyId: string;
  readonly scopes: readonly Scope[];
  readonly limits: KeyLimits;
}

/** A key as it is kept: by its digest. */
export interface KeyEntry extends ApiKey {
  /** SHA-256 of the key, 64 hexadecimal digits in lower case. */
  readonly sha256: string;
}

/** Everybody, when no keys are configured. */
export const anyone: ApiKey = Object.freeze({ keyId: 'anyone', scopes, limits: noLimits });

export function sha256Of(key: string): string {
  return hash('sha256', key, 'hex');
}

/** What can stand in a header without quoting: no spaces, ASCII only. */
export const keyPattern = /^[\x21-\x7e]+$/;
/** Ids appear in logs, metrics and messages. */
export const keyIdPattern = /^[\w.@-]{1,100}$/;
