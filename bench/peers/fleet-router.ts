import { readFileSync } from 'node:fs';
import { nodeCommand } from '../../runtime/shared/process/owned-process.ts';
import type { Peer } from './peer.ts';

const root = new URL('../../', import.meta.url);

/** Our own router, as `fleet router` starts it, with everything on. */
export const fleetRouter: Peer = {
  name: 'sglang-fleet',
  version: () => (JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { version: string }).version,
  command: ({ port, engineUrls }) =>
    nodeCommand(new URL('runtime/cli/main.ts', root).pathname, [
      'router',
      ...['--port', String(port)],
      ...engineUrls.flatMap((url) => ['--worker-url', url]),
    ]),
};
