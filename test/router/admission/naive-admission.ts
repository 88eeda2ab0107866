/** Admission as one would write it without a thought for speed: arrays, searched from the front after every change. */
export interface NaiveRequest {
  readonly id: number;
  readonly group: number;
  readonly bytes: number;
  readonly keyed: boolean;
  sinceMs: number;
  state: 'waiting' | 'moving' | 'running' | 'ended' | 'queue-full' | 'timed-out' | 'cancelled' | 'over-key-limit';
  worker: number | undefined;
  /** Workers that a retry must not take. */
  readonly tried: Set<number>;
}

export interface NaiveLimits {
  readonly maxConcurrent: number;
  readonly maxConcurrentPerWorker: number;
  readonly queueRequests: number;
  readonly queueBytes: number;
  readonly queueTimeoutMs: number;
  readonly keyConcurrency: number;
}

export class NaiveAdmission {
  readonly requests: NaiveRequest[] = [];
  readonly #limits: NaiveLimits;
  readonly #workersOfGroup: readonly (readonly number[])[];
  readonly ready: Set<number>;
  nowMs = 0;

  constructor(limits: NaiveLimits, workersOfGroup: readonly (readonly number[])[], ready: Set<number>) {
    this.#limits = limits;
    this.#workersOfGroup = workersOfGroup;
    this.ready = ready;
  }

  in(...states: NaiveRequest['state'][]): NaiveRequest[] {
    return this.requests.filter(({ state }) => states.includes(state));
  }

  runningOn(worker: number): number {
    return this.requests.filter((request) => request.worker === worker).length;
  }

  hasRoom(worker: number): boolean {
    return this.runningOn(worker) < this.#limits.maxConcurrentPerWorker;
  }

  place(request: NaiveRequest): number | undefined {
    return this.#workersOfGroup[request.group]!.find(
      (worker) => this.ready.has(worker) && !request.tried.has(worker) && this.hasRoom(worker),
    );
  }

  enter(group: number, bytes: number, keyed: boolean): NaiveRequest {
    const request: NaiveRequest = {
      id: this.requests.length,
      group,
      bytes,
      keyed,
      sinceMs: this.nowMs,
      state: 'waiting',
      worker: undefined,
      tried: new Set(),
    };
    const open = this.in('waiting', 'moving', 'running').filter((other) => other.keyed).length;
    const waiting = this.in('waiting');
    this.requests.push(request);
    if (keyed && open >= this.#limits.keyConcurrency) {
      request.state = 'over-key-limit';
      return request;
    }
    this.settle();
    const bytesWaiting = waiting.reduce((total, other) => total + other.bytes, 0);
    const isOver = waiting.length >= this.#limits.queueRequests || bytesWaiting + bytes > this.#limits.queueBytes;
    if (request.state === 'waiting' && isOver) request.state = 'queue-full';
    return request;
  }

  move(request: NaiveRequest): void {
    request.tried.add(request.worker!);
    request.worker = undefined;
    request.state = 'moving';
    request.sinceMs = this.nowMs;
    this.#moved.push(request);
    this.settle();
  }

  /** Moving requests in the order in which they began to move. */
  readonly #moved: NaiveRequest[] = [];

  end(request: NaiveRequest, state: 'ended' | 'cancelled'): void {
    request.state = state;
    request.worker = undefined;
    this.settle();
  }

  advance(ms: number): void {
    this.nowMs += ms;
    for (const request of this.in('waiting', 'moving')) {
      if (this.nowMs - request.sinceMs >= this.#limits.queueTimeoutMs) request.state = 'timed-out';
    }
    this.settle();
  }

  settle(): void {
    for (let changed = true; changed; ) {
      changed = false;
      const moving = this.#moved.filter(({ state }) => state === 'moving');
      const held = this.in('running', 'moving').length;
      const free = this.#limits.maxConcurrent - held;
      for (const request of [...moving, ...(free > 0 ? this.in('waiting') : [])]) {
        const worker = this.place(request);
        if (worker === undefined) continue;
        request.worker = worker;
        request.state = 'running';
        changed = true;
        break;
      }
    }
  }
}
