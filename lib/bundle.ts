import path from 'node:path';
import type { Construct } from 'constructs';
import { bundleDaemon, type Daemon } from './bundle-daemon.ts';
import { FileAsset } from './file-asset.ts';

const repositoryRoot = path.resolve(import.meta.dirname, '..');

const bundles = new Map<Daemon, Uint8Array>();

/** One daemon with its dependencies, as a single `.mjs` file that runs on Node 24 without `node_modules`. */
export class DaemonBundle extends FileAsset {
  constructor(scope: Construct, id: string, daemon: Daemon) {
    super(scope, id, { content: () => bundleOnce(daemon), extension: '.mjs' });
  }
}

/** Every worker group ships the same daemons. */
function bundleOnce(daemon: Daemon): Uint8Array {
  const bundle = bundles.get(daemon) ?? bundleDaemon(repositoryRoot, daemon);
  bundles.set(daemon, bundle);
  return bundle;
}
