/** Memory that all streams together may use for what they have sent. */
export class RecordBudget {
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @returns whether there was room; nothing is taken otherwise */
  take(bytes: number): boolean {
    if (this.#bytes + bytes > this.#maxBytes) return false;
    this.#bytes += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#bytes -= bytes;
  }
}

/** What a part costs beside its bytes: a Buffer and its place in a list. */
const partOverheadBytes = 128;

/** The raw bytes of one stream as its client received them, to continue it from when its engine breaks off. */
export class SentRecord {
  readonly #budget: RecordBudget;
  readonly #maxBytes: number;
  #parts: Buffer[] = [];
  #bytes = 0;
  #isComplete = true;

  /** @param maxBytes bound of this stream; past it the oldest parts are forgotten */
  constructor(budget: RecordBudget, maxBytes: number) {
    this.#budget = budget;
    this.#maxBytes = maxBytes;
  }

  get parts(): readonly Buffer[] {
    return this.#parts;
  }

  /** False once anything was forgotten. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  push(part: Buffer): void {
    const cost = part.length + partOverheadBytes;
    while (this.#parts.length > 0 && this.#bytes + cost > this.#maxBytes) this.#forgetOldest();
    if (!this.#budget.take(cost)) {
      this.close();
      this.#isComplete = false;
      return;
    }
    this.#bytes += cost;
    this.#parts.push(part);
  }

  /** Gives the memory back. */
  close(): void {
    this.#budget.give(this.#bytes);
    this.#bytes = 0;
    this.#parts = [];
  }

  #forgetOldest(): void {
    const cost = this.#parts.shift()!.length + partOverheadBytes;
    this.#bytes -= cost;
    this.#budget.give(cost);
    this.#isComplete = false;
  }
}
