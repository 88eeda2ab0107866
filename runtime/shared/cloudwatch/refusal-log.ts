import type { LogFields, Logger } from '../log.ts';

/** A daemon has a few dozen metrics; more than this means that their names or reasons are not constant. */
const maxRemembered = 100;

/** Says once for each metric and reason that it is dropped, however often that happens. */
export class RefusalLog {
  readonly #log: Logger;
  readonly #said = new Set<string>();

  constructor(log: Logger) {
    this.#log = log;
  }

  add(metric: string, reason: string, fields: LogFields = {}): void {
    const key = `${metric} ${reason}`;
    if (this.#said.has(key) || this.#said.size >= maxRemembered) return;
    this.#said.add(key);
    this.#log.warn('metric refused and dropped', { metric, reason, ...fields });
  }
}
