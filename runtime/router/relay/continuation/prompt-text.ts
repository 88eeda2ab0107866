/** The text as a prompt to go on from: an incomplete character at its end is left for the next engine to say again. */
export function promptText(text: string): string {
  return text.replace(/[\uFFFD\uD800-\uDBFF]+$/, '');
}
