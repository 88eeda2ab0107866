import type { Clock, Timer } from '../../shared/clock.ts';
import { describeError } from '../../shared/errors.ts';
import type { InstanceMetadata, MetadataItem } from '../../shared/imds.ts';
import type { Logger } from '../../shared/log.ts';
import type { MachineNotice } from './machine.ts';
import { noticePaths, parseRebalance, parseSpotInterruption, parseTargetState } from './notice-items.ts';

export interface NoticePollOptions {
  readonly metadata: Pick<InstanceMetadata, 'read'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Told of each notice once. */
  readonly tell: (notice: MachineNotice) => void;
}

/** AWS recommends at most 5 s for Spot's notices, of which it gives two minutes. */
const intervalMs = 2_000;
/** Polls in a row in which an item could not be read, before the log says so: one may fail under load. */
const failuresToTell = 3;

interface Source {
  readonly path: string;
  readonly parse: (item: MetadataItem, nowMs: number) => MachineNotice | undefined;
}

/** What comes at the same poll is told in this order: the shortest deadline first. */
const sources: readonly Source[] = [
  { path: noticePaths.spot, parse: parseSpotInterruption },
  {
    path: noticePaths.targetState,
    parse: ({ text }) => {
      const state = parseTargetState(text);
      return state && { kind: 'target-state', state };
    },
  },
  { path: noticePaths.rebalance, parse: parseRebalance },
];

/** Reads the items that announce something, about every two seconds, and tells what is new in them. */
export class NoticePoll {
  readonly #options: NoticePollOptions;
  readonly #ended = new AbortController();
  /** The text of the last notice of each path; what is no notice in between does not make the next one new. */
  readonly #told = new Map<string, string>();
  /** The last text of each path that was no notice. */
  readonly #misunderstood = new Map<string, string>();
  #timer: Timer | undefined;
  #isStarted = false;
  #failures = 0;

  constructor(options: NoticePollOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    void this.#run();
  }

  close(): void {
    this.#ended.abort();
    this.#timer?.cancel();
  }

  async #run(): Promise<void> {
    await this.#poll();
    if (this.#ended.signal.aborted) return;
    // Uneven: a group's instances that booted together do not ask in step for ever.
    this.#timer = this.#options.clock.schedule(intervalMs * (0.8 + 0.4 * Math.random()), () => void this.#run());
  }

  async #poll(): Promise<void> {
    const { metadata } = this.#options;
    const reads = sources.map(({ path }) => metadata.read(path, this.#ended.signal));
    const results = await Promise.allSettled(reads);
    if (this.#ended.signal.aborted) return;
    for (const [index, result] of results.entries()) {
      if (result.status === 'fulfilled' && result.value) this.#look(sources[index]!, result.value);
    }
    this.#countFailures(results.find((result) => result.status === 'rejected')?.reason);
  }

  #look({ path, parse }: Source, item: MetadataItem): void {
    const { log, tell } = this.#options;
    if (this.#told.get(path) === item.text || this.#misunderstood.get(path) === item.text) return;
    const notice = parse(item, Date.now());
    if (notice === undefined) {
      this.#misunderstood.set(path, item.text);
      log.warn('instance metadata not understood', { path, text: item.text.slice(0, 200) });
      return;
    }
    this.#told.set(path, item.text);
    log.info('instance notice', { ...notice });
    try {
      tell(notice);
    } catch (error) {
      log.error('instance notice not handled', { notice, error });
    }
  }

  #countFailures(error: unknown): void {
    const { log } = this.#options;
    if (error === undefined) {
      if (this.#failures >= failuresToTell)
        log.info('instance metadata readable again', { failedPolls: this.#failures });
      this.#failures = 0;
    } else if (++this.#failures === failuresToTell) {
      log.warn('instance metadata unreadable', { reason: describeError(error) });
    }
  }
}
