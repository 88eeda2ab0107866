import { buildSync } from 'esbuild';

export type Daemon = 'router' | 'runner' | 'log-monitor';

/**
 * Bundles `runtime/<daemon>/main.ts` below `root`. The same sources and lockfile give the same bytes in any folder and
 * from any working directory, also when `node_modules` is a link: parts are called by their path below `root`.
 * Identifiers stay as they are, so that stack traces can be read. Short ones with `keepNames` would name each closure
 * anew whenever it is made: a router took a fifth more CPU per request.
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
    minifyWhitespace: true,
    minifySyntax: true,
    preserveSymlinks: true,
    legalComments: 'none',
    charset: 'utf8',
    external: ['pg-native'],
    logLevel: 'error',
    write: false,
  });
  return outputFiles[0]!.contents;
}
