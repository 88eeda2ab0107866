import type { Logger } from '../../shared/log.ts';
import { discoveryIntervalMs } from '../../shared/protocol.ts';
import { RouterLink, type RouterLinkOptions } from './router-link.ts';

/** A router that said this many announcements ago where it is, and does not answer, is not there any more. */
const missedAnnouncements = 12;
/** Far more than a fleet has: whoever may speak to the runner must not make it speak to any number of addresses. */
const mostAnnounced = 64;
/** For taking the runner off the list of a router that is gone: nobody waits for it. */
const farewellMs = 1_000;

interface Known {
  readonly link: RouterLink;
  /** When the router last said where it is, on the clock of `now`; undefined for one of the options. */
  announcedAtMs: number | undefined;
}

export interface RouterLinksOptions {
  readonly routerUrls: readonly string[];
  readonly link: Omit<RouterLinkOptions, 'routerUrl'>;
  readonly log: Logger;
  readonly timeScale: number;
  /** Monotonic time in ms. @default performance.now */
  readonly now?: () => number;
}

/** The routers that a runner reports to: those that it was told of, and those that found it and said where they are. */
export class RouterLinks {
  readonly #options: RouterLinksOptions;
  readonly #known = new Map<string, Known>();
  readonly #now: () => number;
  readonly #staleAfterMs: number;
  #isStarted = false;
  #wasFull = false;

  constructor(options: RouterLinksOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#staleAfterMs = (missedAnnouncements * discoveryIntervalMs) / options.timeScale;
    for (const routerUrl of options.routerUrls) this.#add(routerUrl, undefined);
  }

  get all(): readonly RouterLink[] {
    return [...this.#known.values()].map(({ link }) => link);
  }

  /** Registers with every router, and with those that are heard of later as soon as they are. */
  start(): void {
    this.#isStarted = true;
    for (const link of this.all) link.start();
  }

  notify(): void {
    for (const link of this.all) link.notify();
  }

  /** A router says that it is there. */
  hear(routerUrl: string): void {
    const known = this.#known.get(routerUrl);
    if (known?.announcedAtMs !== undefined) known.announcedAtMs = this.#now();
    // Where one router announces itself others do, so those that are gone are noticed in time.
    this.#dropStale();
    if (known !== undefined) return;
    const isFull = this.#announced >= mostAnnounced;
    if (isFull && !this.#wasFull) {
      this.#options.log.warn('routers not heard any more: too many said where they are', { mostAnnounced });
    }
    this.#wasFull = isFull;
    if (isFull) return;
    this.#options.log.info('router heard of', { router: routerUrl });
    const link = this.#add(routerUrl, this.#now());
    if (this.#isStarted) link.start();
  }

  get #announced(): number {
    let announced = 0;
    for (const { announcedAtMs } of this.#known.values()) announced += announcedAtMs === undefined ? 0 : 1;
    return announced;
  }

  #add(routerUrl: string, announcedAtMs: number | undefined): RouterLink {
    const link = new RouterLink({ ...this.#options.link, routerUrl });
    this.#known.set(routerUrl, { link, announcedAtMs });
    return link;
  }

  #dropStale(): void {
    const staleBeforeMs = this.#now() - this.#staleAfterMs;
    for (const [routerUrl, { link, announcedAtMs = Number.POSITIVE_INFINITY }] of this.#known) {
      if (announcedAtMs >= staleBeforeMs || link.lastAnswer !== undefined) continue;
      this.#options.log.info('router is gone', { router: routerUrl });
      this.#known.delete(routerUrl);
      void link.close(farewellMs);
    }
  }
}
