/** Weight that past observations keep with each new one. */
const memory = 0.98;

/** Prompt tokens from prompt bytes, by the ratio that engines' usage reports have shown. */
export class TokenEstimate {
  #bytes: number;
  #tokens: number;

  /** @param priorBytesPerToken used until usage reports outweigh it */
  constructor(priorBytesPerToken: number) {
    this.#bytes = priorBytesPerToken * 1_000;
    this.#tokens = 1_000;
  }

  get bytesPerToken(): number {
    return this.#bytes / this.#tokens;
  }

  tokensOf(promptBytes: number): number {
    return Math.max(1, promptBytes / this.bytesPerToken);
  }

  observe(promptBytes: number, promptTokens: number): void {
    if (promptBytes <= 0 || promptTokens <= 0) return;
    this.#bytes = this.#bytes * memory + promptBytes;
    this.#tokens = this.#tokens * memory + promptTokens;
  }
}
