import type { Admission, LimitedKey } from '../admission/admission.ts';
import { rateLimitHeaders } from '../admission/rate-limit-headers.ts';
import type { Worker } from '../coordinator/worker.ts';
import type { TokenEstimate } from '../policy/token-estimate.ts';

/**
 * Counts each message to a session as one request of its key. It takes no slot: its agent asks an engine beside it, and
 * where that goes through this router it takes one of its own there.
 */
export class MessageLimits {
  readonly #admission: Admission<Worker>;
  readonly #tokens: TokenEstimate;

  constructor(admission: Admission<Worker>, tokens: TokenEstimate) {
    this.#admission = admission;
    this.#tokens = tokens;
  }

  /**
   * @param content the message; what came before it in its session is taken to be cached
   * @returns the function for the message's end. A message that was not given to an agent costs no tokens
   * @throws RATE_LIMITED
   */
  enter(key: LimitedKey, content: string): (isGiven: boolean) => void {
    const charge = this.#admission.charge(key, this.#tokens.tokensOf(Buffer.byteLength(content)));
    return (isGiven) => charge?.leave(isGiven ? charge.reserved : 0);
  }

  /** What the key has left, as a flat list of names and values. */
  headers(keyId: string): string[] {
    return rateLimitHeaders(this.#admission.meterOf(keyId), this.#admission.nowMs);
  }
}
