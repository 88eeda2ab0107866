import { describeError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import type { RunnerBackend } from '../../shared/sandbox-protocol.ts';
import type { Store } from '../store/store.ts';
import type { RunnerBackends } from './runner-backends.ts';

export interface UnclaimedSandboxesOptions {
  readonly store: Store;
  readonly backends: RunnerBackends;
  readonly log: Logger;
}

/** Of one runner in one look; the next look takes the next ones. */
const maxPerRunner = 1_000;
/** In one look; what heartbeats count may be wrong for a whole fleet at once. */
const maxRunners = 50;
const parallelRunners = 4;
/** A runner that does not answer must not hold up the sweep. */
const listTimeoutMs = 2_000;

/**
 * Ends sandboxes that no session is in: their router died before it had written down where they are, or their runner was
 * taken for dead and came back. They would hold memory and places until their runner ends them for idleness.
 */
export class UnclaimedSandboxes {
  readonly #options: UnclaimedSandboxesOptions;
  /** Where the last look ended, in the order of ids. */
  #lastId = '';

  constructor(options: UnclaimedSandboxesOptions) {
    this.#options = options;
  }

  /** Looks at the runners that have more sandboxes than the store has sessions there. */
  async end(): Promise<void> {
    const all = await this.#options.store.claims.runnersWithTooMany();
    const inTurn = [...all.filter((id) => id > this.#lastId), ...all.filter((id) => id <= this.#lastId)];
    const left = inTurn.slice(0, maxRunners);
    this.#lastId = left.at(-1) ?? '';
    const work = async () => {
      for (let next = left.pop(); next !== undefined; next = left.pop()) await this.#lookAt(next);
    };
    await Promise.all(Array.from({ length: Math.min(parallelRunners, left.length) }, work));
  }

  /** Never rejects. */
  async #lookAt(runnerId: string): Promise<void> {
    const { backends, log } = this.#options;
    try {
      const backend = await backends.of(runnerId);
      const ended = backend === undefined ? 0 : await this.#endOn(runnerId, backend);
      if (ended > 0) log.warn('sandboxes without a session ended', { runnerId, ended });
    } catch (error) {
      log.warn('sandboxes of a runner not looked at', { runnerId, detail: describeError(error) });
    }
  }

  async #endOn(runnerId: string, backend: RunnerBackend): Promise<number> {
    // First the sandboxes, then the sessions: a session has its place in the store before it gets a sandbox.
    const ids = (await backend.listSandboxes(AbortSignal.timeout(listTimeoutMs))).map(({ id }) => id);
    // What this store does not know may be another one's.
    const unclaimed = await this.#options.store.claims.unclaimed(runnerId, ids.slice(0, maxPerRunner));
    await Promise.all(unclaimed.map((id) => backend.destroySandbox(id)));
    return unclaimed.length;
  }
}
