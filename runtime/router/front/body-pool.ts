/** Smaller bodies come from Node's own slabs, or are not worth keeping. */
const minPooledBytes = 16 * 1024;
/** Larger ones are rare, and zeroing in their pages costs little beside what is done with them. */
const maxPooledBytes = 4 * 1024 * 1024;

/**
 * Buffers of bodies that are used again. A buffer of its own for each body lies outside V8's heap, and V8 collects
 * garbage, heap and all, for every few dozen megabytes of these: at 512 KB a body that was two thirds of the router's
 * CPU time. Kept by power of two.
 */
export class BodyPool {
  readonly #free = new Map<number, Buffer[]>();
  readonly #maxFreeBytes: number;
  #freeBytes = 0;

  /** @param maxFreeBytes most that is kept for later */
  constructor(maxFreeBytes: number) {
    this.#maxFreeBytes = maxFreeBytes;
  }

  get freeBytes(): number {
    return this.#freeBytes;
  }

  /** A buffer of at least `bytes`, with anything in it. Its owner gives it back at most once, or drops it. */
  take(bytes: number): Buffer {
    if (bytes < minPooledBytes) return Buffer.allocUnsafe(bytes);
    if (bytes > maxPooledBytes) return Buffer.allocUnsafeSlow(bytes);
    const size = 2 ** Math.ceil(Math.log2(bytes));
    const buffer = this.#free.get(size)?.pop();
    if (buffer === undefined) return Buffer.allocUnsafeSlow(size);
    this.#freeBytes -= size;
    return buffer;
  }

  /** Only for what `take` returned and nobody will read or write any more. */
  give(buffer: Buffer): void {
    const size = buffer.length;
    const isPooled = size >= minPooledBytes && size <= maxPooledBytes && (size & (size - 1)) === 0;
    if (!isPooled || this.#freeBytes + size > this.#maxFreeBytes) return;
    const free = this.#free.get(size);
    if (free) free.push(buffer);
    else this.#free.set(size, [buffer]);
    this.#freeBytes += size;
  }
}

/**
 * The bytes of one request's body. Its buffer goes back to the pool when the last holder lets go: the request itself, and
 * every write of it that a socket has not finished. A holder that never lets go only costs the pool a buffer.
 */
export class HeldBody {
  readonly bytes: Buffer;
  readonly #buffer: Buffer;
  readonly #pool: BodyPool;
  #holders = 1;

  constructor(buffer: Buffer, length: number, pool: BodyPool) {
    this.#buffer = buffer;
    this.#pool = pool;
    this.bytes = length === buffer.length ? buffer : buffer.subarray(0, length);
  }

  retain(): void {
    this.#holders++;
  }

  readonly release = (): void => {
    if (--this.#holders === 0) this.#pool.give(this.#buffer);
  };
}
