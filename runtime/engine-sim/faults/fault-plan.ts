import type { RequestFault } from './fault.ts';

/** The faults that wait for requests. The oldest one that fits strikes first. */
export class FaultPlan {
  readonly #armed: { fault: RequestFault; left: number }[] = [];

  arm(fault: RequestFault): void {
    this.#armed.push({ fault, left: fault.count });
  }

  /** The fault that strikes a request to this path now, if any. */
  take(path: string): RequestFault | undefined {
    const at = this.#armed.findIndex(({ fault }) => path.startsWith(fault.path ?? '/'));
    const armed = this.#armed[at];
    if (armed === undefined) return undefined;
    armed.left--;
    if (armed.left === 0) this.#armed.splice(at, 1);
    return armed.fault;
  }

  /** What is left, oldest first, with `count` as the number of requests still to strike. */
  list(): RequestFault[] {
    return this.#armed.map(({ fault, left }) => ({ ...fault, count: left }));
  }

  clear(): void {
    this.#armed.length = 0;
  }
}
