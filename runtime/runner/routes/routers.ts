import { isIP } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { announcePath } from '../../shared/protocol.ts';
import { fail } from '../errors.ts';
import { requireSecret } from './authorize.ts';

/**
 * A router says `{"port"}` of its internal routes, and that is where the runner registers: at the address that the call
 * comes from, or at the one `{"host"}` on which the router listens. So a runner needs no list of routers, nor the right to
 * ask the cloud for them.
 */
export function routersRoute(onRouter: (routerUrl: string) => void, secret: string | undefined) {
  return async (app: FastifyInstance): Promise<void> => {
    app.addHook('onRequest', requireSecret(secret));
    app.post(announcePath, async (request, reply) => {
      const { port, host = request.ip } = (request.body ?? {}) as { port?: unknown; host?: unknown };
      if (!Number.isInteger(port) || Number(port) < 1 || Number(port) > 65_535) {
        throw fail('INVALID_REQUEST', { reason: 'port: expected a port number' });
      }
      if (typeof host !== 'string' || isIP(host) === 0) {
        throw fail('INVALID_REQUEST', { reason: 'host: expected an address' });
      }
      onRouter(`http://${hostOf(host)}:${port}`);
      return reply.code(204).send();
    });
  };
}

/** An address as it stands in a URL; an IPv4 client of a socket for both kinds is `::ffff:10.0.0.5`. */
function hostOf(address: string): string {
  const v4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.[1];
  return v4 ?? (address.includes(':') ? `[${address}]` : address);
}
