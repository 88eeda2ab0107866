import type { IncomingHttpHeaders } from 'node:http';
import { routerError } from '../errors.ts';
import { BodyCollector } from './body-collector.ts';
import type { BodyPool, HeldBody } from './body-pool.ts';
import type { RequestHead } from './request-head.ts';

/** One request of a client, as the relay sees it. Its connection feeds it. */
export class ClientRequest {
  readonly head: RequestHead;
  readonly #pool: BodyPool;
  readonly #onWanted: () => void;
  #collector: BodyCollector | undefined;
  #waiting: PromiseWithResolvers<HeldBody> | undefined;
  #whole: HeldBody | undefined;
  #isComplete = false;

  /** @param onWanted called when the body is asked for, before any of it is read */
  constructor(head: RequestHead, pool: BodyPool, onWanted: () => void) {
    this.head = head;
    this.#pool = pool;
    this.#onWanted = onWanted;
  }

  /** The headers that say who asks. */
  get credentials(): IncomingHttpHeaders {
    const { authorization, apiKey } = this.head;
    return { authorization, 'x-api-key': apiKey };
  }

  /** Whether all of the body has arrived, kept or not. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /**
   * The body, whole; the caller releases it. To be called once, before the first `await` of whoever got the request:
   * what nobody asked for is thrown away. Throws or rejects with BODY_TOO_LARGE, or when the client goes away.
   */
  readBody(limitBytes: number): HeldBody | Promise<HeldBody> {
    const { contentLength } = this.head;
    if (contentLength !== undefined && contentLength > limitBytes) throw routerError('BODY_TOO_LARGE', { limitBytes });
    if (this.#whole) return this.#whole;
    this.#collector = new BodyCollector(this.#pool, limitBytes, contentLength);
    this.#waiting = Promise.withResolvers<HeldBody>();
    this.#onWanted();
    return this.#waiting.promise;
  }

  /** For the connection: the whole body came with the head. */
  provide(body: HeldBody): void {
    this.#whole = body;
    this.#isComplete = true;
  }

  /** For the connection: the next piece of the body; a view that is only valid during the call. */
  readonly feed = (piece: Buffer): void => {
    try {
      this.#collector?.push(piece);
    } catch (error) {
      this.#fail(error);
    }
  };

  /** For the connection: the body is over. */
  finish(): void {
    this.#isComplete = true;
    if (this.#collector) this.#waiting!.resolve(this.#collector.finish());
    this.#collector = undefined;
  }

  /** For the connection: the rest of the body will not come. */
  breakOff(reason: unknown): void {
    if (this.#collector) this.#fail(reason);
  }

  #fail(reason: unknown): void {
    this.#collector!.drop();
    this.#collector = undefined;
    this.#waiting!.reject(reason);
  }
}
