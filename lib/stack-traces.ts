import { pathToFileURL } from 'node:url';

/**
 * Makes stack traces name files relative to `root`. The CDK writes traces into its output, which without this would
 * differ between two clones.
 */
export function nameFilesRelativeTo(root: string): void {
  const prefix = `${pathToFileURL(root).href}/`;
  Error.prepareStackTrace = (error, frames) =>
    [String(error), ...frames.map((frame) => `    at ${frame}`)].join('\n').replaceAll(prefix, '');
}
