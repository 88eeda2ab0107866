import type { Clock } from '../../shared/clock.ts';
import type { KeyMeter } from './key-meter.ts';

/**
 * What a request without a slot has taken of its key's limits: one that does not go to an engine through this router.
 * Its holder calls `leave` exactly where the request ends, in a `finally`.
 */
export class KeyCharge {
  readonly #meter: KeyMeter;
  readonly #clock: Clock;
  /** Uncached tokens taken of the limit. */
  readonly reserved: number;
  #hasLeft = false;

  constructor(meter: KeyMeter, reserved: number, clock: Clock) {
    this.#meter = meter;
    this.reserved = reserved;
    this.#clock = clock;
    meter.begin(reserved, clock.now());
  }

  /** Calls after the first do nothing. @param uncachedTokens what the request really used */
  leave(uncachedTokens: number): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#meter.end(this.reserved, uncachedTokens, this.#clock.now());
  }
}
