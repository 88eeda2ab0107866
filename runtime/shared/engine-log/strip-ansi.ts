const escapeCode = '\x1b';
/** Whole control sequences (ECMA-48 5.4: colours, erasing) and operating-system commands (titles), nothing less. */
const sequencePattern = new RegExp(
  `${escapeCode}(?:\\[[0-9;:?]*[A-Za-z]|\\][^\x07${escapeCode}]*(?:\x07|${escapeCode}\\\\))`,
  'g',
);

/**
 * Removes terminal escape codes. A cut code stays in the text: guessing where it ends can swallow digits of the value
 * behind it (`node:util`'s function takes `1074` of `ESC[1074` for a code).
 */
export function stripAnsi(text: string): string {
  return text.includes(escapeCode) ? text.replace(sequencePattern, '') : text;
}
