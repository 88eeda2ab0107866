import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bundleDaemon } from '../../lib/bundle-daemon.ts';
import { nodeCommand } from '../../runtime/shared/process/owned-process.ts';
import type { Peer } from './peer.ts';

const root = path.resolve(import.meta.dirname, '../..');
let bundle: Uint8Array | undefined;

/** Our own router with everything on, in one file as machines get it. */
export const fleetRouter: Peer = {
  name: 'sglang-fleet',
  version: () => (JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as { version: string }).version,
  command({ port, engineUrls, folder }) {
    bundle ??= bundleDaemon(root, 'router');
    writeFileSync(`${folder}/router.mjs`, bundle);
    return nodeCommand(`${folder}/router.mjs`, [
      ...['--port', String(port)],
      ...engineUrls.flatMap((url) => ['--worker-url', url]),
    ]);
  },
};
