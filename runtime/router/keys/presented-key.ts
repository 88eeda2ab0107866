import type { IncomingHttpHeaders } from 'node:http';
import { bearerToken } from '../../shared/auth.ts';

/**
 * Headers that carry a key of the fleet, in lower case. Where keys are configured none of them may reach an engine: it
 * would see, and maybe log, what opens the fleet.
 */
export const keyHeaders: ReadonlySet<string> = new Set(['authorization', 'x-api-key']);

/** The key that a client presents: `Authorization: Bearer` (OpenAI clients) before `x-api-key` (Anthropic clients). */
export function presentedKey(headers: IncomingHttpHeaders): string | undefined {
  const token = bearerToken(headers.authorization);
  if (token !== undefined) return token;
  const header = headers['x-api-key'];
  return typeof header === 'string' && header !== '' ? header : undefined;
}
