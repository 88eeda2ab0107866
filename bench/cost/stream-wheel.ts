/** Runs many periodic streams off one timer: each has its own phase within the interval, as streams of real engines have. */
export class StreamWheel<S> {
  readonly #slots: Set<S>[];
  readonly #step: (stream: S) => boolean;
  #cursorMs = 0;
  #size = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param step sends the next event of a stream; false when it was the last one */
  constructor(intervalMs: number, step: (stream: S) => boolean) {
    this.#slots = Array.from({ length: intervalMs }, () => new Set<S>());
    this.#step = step;
  }

  add(stream: S): void {
    this.#size++;
    if (this.#timer === undefined) {
      this.#cursorMs = currentMs();
      this.#timer = setInterval(() => this.#advance(), 1);
    }
    this.#slots[currentMs() % this.#slots.length]!.add(stream);
  }

  #advance(): void {
    const until = currentMs();
    while (this.#cursorMs < until) {
      this.#cursorMs++;
      const slot = this.#slots[this.#cursorMs % this.#slots.length]!;
      for (const stream of slot) {
        if (this.#step(stream)) continue;
        slot.delete(stream);
        this.#size--;
      }
    }
    if (this.#size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

function currentMs(): number {
  return Math.floor(performance.now());
}
