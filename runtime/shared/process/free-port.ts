import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/** Ports that nothing listened on a moment ago, all different. Another process may still take one before its use. */
export async function findFreePorts(count: number, host: string): Promise<number[]> {
  const servers: Server[] = [];
  try {
    for (let index = 0; index < count; index++) {
      const server = createServer().listen(0, host);
      servers.push(server);
      await once(server, 'listening');
    }
    return servers.map((server) => (server.address() as { port: number }).port);
  } finally {
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}

export async function findFreePort(host: string): Promise<number> {
  return (await findFreePorts(1, host))[0]!;
}

/** The error code that listening on the port fails with (`EADDRINUSE`, `EACCES`, ...), undefined when it works. */
export async function portProblem(port: number, host: string): Promise<string | undefined> {
  const server = createServer().listen(port, host);
  try {
    await once(server, 'listening');
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'UNKNOWN';
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}
