import type { Exchange } from '../http/exchange.ts';
import { type JsonObject, parseJsonBody } from '../validation/json-body.ts';

/** The JSON body of a request whatever its content type says, as the native routes take it. */
export async function readJson(exchange: Exchange): Promise<JsonObject> {
  return parseJsonBody(await exchange.readBody());
}

/** Thrown for a body that is not declared as JSON. */
export class UnsupportedMediaType extends Error {}

/** The same for the OpenAI routes, which insist on the content type. */
export async function readDeclaredJson(exchange: Exchange): Promise<JsonObject> {
  const body = await exchange.readBody();
  const type = (exchange.request.headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();
  if (type !== 'application/json') throw new UnsupportedMediaType();
  return parseJsonBody(body);
}
