import type { HeldRequests } from '../scaling/group-scaling.ts';

/** How many requests wait, of those that one worker group would answer. */
export class HoldTally implements HeldRequests {
  #size = 0;
  #entered = 0;
  #peak = 0;

  get size(): number {
    return this.#size;
  }

  get entered(): number {
    return this.#entered;
  }

  enter(): void {
    this.#entered++;
    this.#peak = Math.max(this.#peak, ++this.#size);
  }

  leave(): void {
    this.#size--;
  }

  takePeak(): number {
    const peak = this.#peak;
    this.#peak = this.#size;
    return peak;
  }
}
