import type { FastifyRequest } from 'fastify';
import { CodedError } from '../../shared/errors.ts';
import type { Scope } from './api-key.ts';
import type { KeyRing } from './key-ring.ts';

/** An `onRequest` hook that lets only keys with `scope` pass, everybody when no keys are configured. */
export function requireScope(keys: KeyRing, scope: Scope): (request: FastifyRequest) => Promise<void> {
  return async (request) => {
    const access = keys.authorize(request.headers, scope);
    if (access instanceof CodedError) throw access;
  };
}
