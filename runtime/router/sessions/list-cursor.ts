import type { ListPosition } from '../store/session-queries.ts';

/** A place in a list as an opaque word for clients. */
export function encodeCursor({ createdAtMs, id }: ListPosition): string {
  return Buffer.from(`${createdAtMs}.${id}`).toString('base64url');
}

/** @returns undefined for what `encodeCursor` did not make */
export function decodeCursor(cursor: string): ListPosition | undefined {
  const match = Buffer.from(cursor, 'base64url')
    .toString('utf8')
    .match(/^(\d{1,15})\.(\w{1,100})$/);
  return match ? { createdAtMs: Number(match[1]), id: match[2]! } : undefined;
}
