/** Keys that cannot be used as they were given. The message lists every mistake, one a line, and no key. */
export class KeyMistakes extends Error {
  readonly mistakes: readonly string[];

  /** @param source where the keys come from: a file name, `FLEET_API_KEYS` */
  constructor(source: string, mistakes: readonly string[]) {
    const count = `${mistakes.length} ${mistakes.length === 1 ? 'mistake' : 'mistakes'}`;
    super([`${source} has ${count}:`, ...mistakes.map((mistake) => `  ${mistake}`)].join('\n'));
    this.name = 'KeyMistakes';
    this.mistakes = mistakes;
  }
}
