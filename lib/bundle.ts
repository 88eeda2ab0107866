import path from 'node:path';
import type { Construct } from 'constructs';
import { buildSync } from 'esbuild';
import { FileAsset } from './file-asset.ts';

export type Daemon = 'router' | 'runner' | 'log-monitor';

const repositoryRoot = path.resolve(import.meta.dirname, '..');

/** One daemon with its dependencies, as a single `.mjs` file that runs on Node 24 without `node_modules`. */
export class DaemonBundle extends FileAsset {
  constructor(scope: Construct, id: string, daemon: Daemon) {
    super(scope, id, { content: () => bundleDaemon(repositoryRoot, daemon), extension: '.mjs' });
  }
}

/**
 * Bundles `runtime/<daemon>/main.ts` below `root`. The same sources and lockfile give the same bytes in any folder and
 * from any working directory; `minify` is part of that, since other output names its parts by path.
 */
export function bundleDaemon(root: string, daemon: Daemon): Uint8Array {
  const { outputFiles } = buildSync({
    absWorkingDir: root,
    entryPoints: [`runtime/${daemon}/main.ts`],
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    // Dependencies in CommonJS call `require`, which an ES module does not have.
    banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
    minify: true,
    keepNames: true,
    legalComments: 'none',
    charset: 'utf8',
    external: ['pg-native'],
    logLevel: 'error',
    write: false,
  });
  return outputFiles[0]!.contents;
}
