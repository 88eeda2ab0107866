import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { routerError } from '../errors.ts';

/** What one caller may be kept waiting for; a removal goes on without him. */
const timeoutSeconds = z.coerce.number('expected seconds').min(0).max(3_600).optional();

const engineUrl = z
  .string('expected the base URL of an engine, such as http://10.0.0.5:7999')
  .refine((text) => originOf(text) !== undefined, 'expected the base URL of an engine, such as http://10.0.0.5:7999');

const unsupportedKey = z
  .undefined('this router has no keys of single engines; it forwards what clients send')
  .optional();

export const addWorkerQuery = z.object({ url: engineUrl, timeout: timeoutSeconds, api_key: unsupportedKey });
export const removeWorkerQuery = z.object({
  url: z.string('expected the URL or the id of a worker').min(1),
  timeout: timeoutSeconds,
});
export const removalQuery = z.object({ timeout: timeoutSeconds });

/** The fields of sglang-router that mean something else here are refused; those that only tune it are ignored. */
export const createWorkerBody = z.object({
  url: engineUrl,
  api_key: unsupportedKey,
  worker_type: z.literal('regular', 'only "regular" workers: prefill and decode are not split here').optional(),
  connection_mode: z.literal('http', 'only "http" engines').optional(),
});

/** Scheme, host and port of an http(s) URL without a path; undefined for anything else. Equal for equal engines. */
export function originOf(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { protocol, origin, pathname, search, hash, username } = new URL(text);
  const isBase = /^\/*$/.test(pathname) && search === '' && hash === '' && username === '';
  return isBase && /^https?:$/.test(protocol) ? origin : undefined;
}

/** @throws INVALID_BODY with every mistake */
export function parseRequest<T>(schema: z.ZodType<T>, value: unknown, request: FastifyRequest): T {
  const result = schema.safeParse(value ?? {});
  if (result.success) return result.data;
  const detail = result.error.issues.map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`).join('; ');
  const param = String(result.error.issues[0]?.path[0] ?? '');
  throw routerError('INVALID_BODY', { route: request.routeOptions.url!, detail }, { param });
}
