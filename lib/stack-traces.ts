import { pathToFileURL } from 'node:url';

/**
 * Makes stack traces name files relative to `root`, as `./lib/fleet.ts`. The CDK writes traces into its output, which
 * without this would differ between two clones.
 */
export function nameFilesRelativeTo(root: string): void {
  Error.prepareStackTrace = (error, frames) =>
    [String(error), ...frames.map((frame) => `    at ${frame}`)]
      .join('\n')
      .replaceAll(`${pathToFileURL(root).href}/`, './')
      .replaceAll(`${root}/`, './');
}
