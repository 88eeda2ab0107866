import { bearerHeaders } from '../shared/auth.ts';
import { callJson, HttpStatusError } from '../shared/call-json.ts';
import { UserError, unreachable } from './user-error.ts';

export interface ModelQuery {
  /** Base URL of the server, without a trailing slash. */
  readonly url: string;
  /** The name that the user gave, if any. */
  readonly model?: string;
  readonly apiKey?: string;
}

/**
 * The model to ask for: the one that was named, or the only one that the server offers. Asks the server in both cases,
 * so that a wrong address is one clear message.
 * @throws UserError
 */
export async function findModel(query: ModelQuery): Promise<string> {
  let answer: unknown;
  try {
    answer = await callJson(`${query.url}/v1/models`, { headers: bearerHeaders(query.apiKey) });
  } catch (error) {
    if (!(error instanceof HttpStatusError)) throw unreachable(query.url, error);
    if (error.status === 401 || error.status === 403) {
      throw new UserError(`${query.url} refused the API key (${error.status}). Set FLEET_API_KEY to a valid one.`);
    }
    // A named model needs no list; the request itself will tell.
    if (query.model !== undefined) return query.model;
    throw new UserError(`${error.message}\nName the model with --model.`);
  }
  if (query.model !== undefined) return query.model;
  const names = modelNames(answer);
  if (names.length === 1) return names[0]!;
  throw new UserError(
    names.length === 0
      ? `${query.url} offers no model yet. Wait until a worker is ready (fleet status), or name one with --model.`
      : `${query.url} offers ${names.length} models: ${names.join(', ')}. Name one with --model.`,
  );
}

function modelNames(answer: unknown): string[] {
  const { data } = (answer ?? {}) as { data?: unknown };
  if (!Array.isArray(data)) return [];
  return data.flatMap(({ id }: { id?: unknown }) => (typeof id === 'string' ? id : []));
}
