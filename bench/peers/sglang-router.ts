import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { environmentsFolder, type Peer } from './peer.ts';

const python = `${environmentsFolder}sglang-router/bin/python`;

/** The router of the SGLang project, with its defaults; only the ports are moved. */
export const sglangRouter: Peer = {
  name: 'sglang-router',
  version() {
    if (!existsSync(python)) return undefined;
    const print = 'from importlib.metadata import version; print(version("sglang-router"))';
    return spawnSync(python, ['-c', print], { encoding: 'utf8' }).stdout.trim() || undefined;
  },
  command: ({ port, sparePort, engineUrls }) => ({
    file: python,
    args: [
      ...['-m', 'sglang_router.launch_router', '--policy', 'cache_aware'],
      ...['--host', '127.0.0.1', '--port', String(port), '--prometheus-port', String(sparePort)],
      ...['--worker-urls', ...engineUrls],
    ],
  }),
};
