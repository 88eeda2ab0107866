import { bearerHeaders } from '../../shared/auth.ts';
import { callJson } from '../../shared/call-json.ts';
import { describeError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import { announcePath } from '../../shared/protocol.ts';

export interface AnnouncerOptions {
  /** Port of the runners on discovered instances. */
  readonly runnerPort: number;
  readonly secret: string | undefined;
  readonly log: Logger;
}

interface Place {
  readonly port: number;
  /** Undefined where it listens on all addresses of its machine. */
  readonly host: string | undefined;
}

/** One call, in ms: the next discovery brings another one. */
const callTimeoutMs = 3_000;

/**
 * Tells the runners of discovered instances where this router is, so that they register with it. It is said again after
 * each look at the group: to runners it is a sign of life, and one that was restarted hears of it anew.
 */
export class RouterAnnouncer {
  readonly #options: AnnouncerOptions;
  readonly #addressesByGroup = new Map<string, readonly string[]>();
  readonly #stop = new AbortController();
  /** Runners that heard the last call; a change is logged. */
  readonly #told = new Set<string>();
  #place: Place | undefined;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
  }

  /** @param place of this router's internal routes, without TLS */
  start(place: Place): void {
    this.#place = place;
    for (const addresses of this.#addressesByGroup.values()) this.#tell(addresses);
  }

  /** @param addresses of all instances of the group that serve */
  announceTo(groupName: string, addresses: readonly string[]): void {
    this.#addressesByGroup.set(groupName, addresses);
    this.#tell(addresses);
  }

  close(): void {
    this.#stop.abort();
  }

  #tell(addresses: readonly string[]): void {
    if (this.#place === undefined) return;
    for (const address of addresses) void this.#tellOne(address, this.#place);
  }

  /** Never rejects: an instance without a runner, or with one that is not up yet, is nothing to worry about. */
  async #tellOne(address: string, place: Place): Promise<void> {
    const { runnerPort, secret, log } = this.#options;
    const { signal } = this.#stop;
    try {
      await callJson(`http://${address}:${runnerPort}${announcePath}`, {
        body: place,
        headers: bearerHeaders(secret),
        timeoutMs: callTimeoutMs,
        signal,
      });
      if (!this.#told.has(address)) log.info('runner told of this router', { address });
      this.#told.add(address);
    } catch (error) {
      if (signal.aborted) return;
      this.#told.delete(address);
      log.debug('runner not told of this router', { address, detail: describeError(error) });
    }
  }
}
