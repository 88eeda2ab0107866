import { lastLines } from './log-tail.ts';
import { shownPath } from './shown-path.ts';

/** What `fleet up` says while it works: one line per step, with the time since its start. */
export class ConsoleOutput {
  readonly #startedAt = performance.now();

  constructor() {
    // A terminal or a pipe that went away must not cut the drain short.
    process.stdout.on('error', () => undefined);
  }

  step(text: string): void {
    const seconds = ((performance.now() - this.#startedAt) / 1_000).toFixed(1);
    this.line(`${seconds.padStart(6)} s  ${text}`);
  }

  line(text = ''): void {
    process.stdout.write(`${text}\n`);
  }

  /** Indented below a step. */
  detail(text: string): void {
    this.line(`          ${text}`);
  }

  /** The end of a log file, below the step that it explains. */
  logTail(file: string, lines = 8): void {
    const tail = lastLines(file, lines);
    if (tail.length === 0) return;
    this.detail(`last lines of ${shownPath(file)}:`);
    for (const line of tail) this.detail(`| ${line.slice(0, 300)}`);
  }
}
