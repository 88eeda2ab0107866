import path from 'node:path';
import type { Construct } from 'constructs';
import { bundleDaemon, type Daemon } from './bundle-daemon.ts';
import { FileAsset } from './file-asset.ts';

const repositoryRoot = path.resolve(import.meta.dirname, '..');

/** One daemon with its dependencies, as a single `.mjs` file that runs on Node 24 without `node_modules`. */
export class DaemonBundle extends FileAsset {
  constructor(scope: Construct, id: string, daemon: Daemon) {
    super(scope, id, { content: () => bundleDaemon(repositoryRoot, daemon), extension: '.mjs' });
  }
}
