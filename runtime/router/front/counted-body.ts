/** How the end of a body is found while it comes. */
export interface BodyFraming {
  readonly isDone: boolean;
  /**
   * @param onData called with each piece of the body, a view into `bytes`
   * @returns the offset behind what belongs to the body
   */
  push(bytes: Buffer, from: number, onData: (piece: Buffer) => void): number;
}

/** A body whose length was announced. */
export class CountedBody implements BodyFraming {
  #left: number;

  constructor(length: number) {
    this.#left = length;
  }

  get isDone(): boolean {
    return this.#left === 0;
  }

  push(bytes: Buffer, from: number, onData: (piece: Buffer) => void): number {
    const end = Math.min(bytes.length, from + this.#left);
    this.#left -= end - from;
    onData(from === 0 && end === bytes.length ? bytes : bytes.subarray(from, end));
    return end;
  }
}
