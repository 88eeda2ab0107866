import type { RunnerHeartbeat } from '../../shared/protocol.ts';
import type { TimedHeartbeat } from '../store/runner-queries.ts';

type Write = (beats: readonly TimedHeartbeat[]) => Promise<ReadonlySet<string>>;

interface Waiting extends TimedHeartbeat {
  readonly done: PromiseWithResolvers<boolean>;
}

const maxPerWrite = 500;

/**
 * Writes heartbeats in groups, with one write under way at a time: those that arrive meanwhile go together in the next one.
 * A store across the network then costs its round trip once for all of them, and an idle one adds no wait.
 */
export class HeartbeatWriter {
  readonly #write: Write;
  #waiting: Waiting[] = [];
  #isWriting = false;

  constructor(write: Write) {
    this.#write = write;
  }

  /** @returns whether the runner is in the store; rejects as the write does */
  save(heartbeat: RunnerHeartbeat, atMs: number): Promise<boolean> {
    const done = Promise.withResolvers<boolean>();
    this.#waiting.push({ heartbeat, atMs, done });
    if (!this.#isWriting) void this.#writeAll();
    return done.promise;
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, maxPerWrite);
      // One statement changes a row once: of several beats of a runner the last one counts.
      const last = new Map(group.map((beat) => [beat.heartbeat.runnerId, beat]));
      try {
        const stored = await this.#write([...last.values()]);
        for (const { heartbeat, done } of group) done.resolve(stored.has(heartbeat.runnerId));
      } catch (error) {
        for (const { done } of group) done.reject(error);
      }
    }
    this.#isWriting = false;
  }
}
