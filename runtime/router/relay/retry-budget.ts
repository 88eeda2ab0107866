/** Retries that one request more allows: a fleet that refuses half of everything gets 1.2 times the load, not 4 times. */
const perRequest = 0.2;
/** What a budget begins with and never exceeds: room for one worker that starts to refuse while it has much in flight. */
const maxBalance = 200;

/**
 * Bounds the retries of requests that engines refused (a 503, an overload in a 200), which would multiply the load of a
 * fleet that has too much of it. Requests that lost their worker are not counted: it takes no more, so they are few.
 */
export class RetryBudget {
  #balance = maxBalance;

  /** Whether one more refused request may be tried elsewhere. */
  get hasRoom(): boolean {
    return this.#balance >= 1;
  }

  /** A request came in. */
  deposit(): void {
    this.#balance = Math.min(maxBalance, this.#balance + perRequest);
  }

  /** A refused request is tried elsewhere. */
  withdraw(): void {
    this.#balance = Math.max(0, this.#balance - 1);
  }
}
