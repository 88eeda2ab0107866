/** Requests that run on each worker, with a cap for each. A worker without requests leaves no trace. */
export class WorkerCounts<W> {
  readonly #counts = new Map<W, number>();
  readonly #cap: number;

  constructor(cap: number) {
    this.#cap = cap;
  }

  of(worker: W): number {
    return this.#counts.get(worker) ?? 0;
  }

  readonly hasRoom = (worker: W): boolean => this.of(worker) < this.#cap;

  occupy(worker: W): void {
    this.#counts.set(worker, this.of(worker) + 1);
  }

  vacate(worker: W): void {
    const left = this.of(worker) - 1;
    if (left > 0) this.#counts.set(worker, left);
    else this.#counts.delete(worker);
  }
}
