import path from 'node:path';

/** A path as a user reads it best: relative inside the working directory, absolute elsewhere. */
export function shownPath(file: string): string {
  const relative = path.relative('', file);
  if (relative === '') return '.';
  return relative.startsWith('..') ? file : relative;
}
