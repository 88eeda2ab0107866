/**
 * Text from the network made safe for a terminal: without the control characters that move the cursor, change the
 * title or forge lines. Line ends and tabs stay.
 */
export function terminalText(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, '');
}

/** The same on one line, for table cells and messages. */
export function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/\p{Cc}/gu, '');
}
