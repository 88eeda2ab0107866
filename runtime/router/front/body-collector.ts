import { routerError } from '../errors.ts';
import { type BodyPool, HeldBody } from './body-pool.ts';

/** What is set aside at once for a body whose announced length nothing proves yet. */
const firstBytes = 1024 * 1024;

/**
 * Puts a body together as it comes. Memory follows what has arrived, not what was announced: a client that announces
 * much and sends little costs little.
 */
export class BodyCollector {
  readonly #pool: BodyPool;
  readonly #limitBytes: number;
  readonly #announcedBytes: number | undefined;
  #buffer: Buffer;
  #length = 0;

  /** @param announcedBytes undefined for a body in chunks */
  constructor(pool: BodyPool, limitBytes: number, announcedBytes: number | undefined) {
    this.#pool = pool;
    this.#limitBytes = limitBytes;
    this.#announcedBytes = announcedBytes;
    this.#buffer = pool.take(Math.min(announcedBytes ?? 8 * 1024, firstBytes));
  }

  /** Copies `piece`. @throws CodedError BODY_TOO_LARGE past the limit */
  push(piece: Buffer): void {
    const length = this.#length + piece.length;
    if (length > this.#limitBytes) throw routerError('BODY_TOO_LARGE', { limitBytes: this.#limitBytes });
    if (length > this.#buffer.length) this.#grow(length);
    piece.copy(this.#buffer, this.#length);
    this.#length = length;
  }

  finish(): HeldBody {
    return new HeldBody(this.#buffer, this.#length, this.#pool);
  }

  /** The body will not be complete. */
  drop(): void {
    this.#pool.give(this.#buffer);
    this.#buffer = Buffer.alloc(0);
  }

  #grow(needed: number): void {
    const doubled = Math.max(needed, 2 * this.#buffer.length);
    const larger = this.#pool.take(Math.min(doubled, Math.max(needed, this.#announcedBytes ?? doubled)));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#pool.give(this.#buffer);
    this.#buffer = larger;
  }
}
