import type { FastifyRequest } from 'fastify';
import { bearerToken, secretsEqual } from '../../shared/auth.ts';
import { fail } from '../errors.ts';

/** A hook that lets in who knows the fleet's secret. @param secret undefined lets everybody in */
export function requireSecret(secret: string | undefined) {
  return async (request: FastifyRequest): Promise<void> => {
    if (secret === undefined) return;
    const given = bearerToken(request.headers.authorization);
    if (given === undefined || !secretsEqual(given, secret)) throw fail('UNAUTHORIZED');
  };
}
