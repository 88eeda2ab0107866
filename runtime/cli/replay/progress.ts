import { count, duration } from '../quantity.ts';
import type { ReplayProgress } from './replay.ts';

const barWidth = 24;
const terminalIntervalMs = 200;
const logIntervalMs = 5_000;

/** One line: bar of answered requests, counts, and wall time since the start. */
export function progressLine(progress: ReplayProgress, elapsedSeconds: number): string {
  const answered = progress.completed + progress.failed;
  const filled = Math.floor((barWidth * answered) / progress.planned);
  return [
    `[${'#'.repeat(filled)}${'.'.repeat(barWidth - filled)}] ${Math.floor((100 * answered) / progress.planned)} %`,
    `${count(answered)} of ${count(progress.planned)} answered`,
    `${count(progress.sent - answered)} in flight`,
    `${count(progress.failed)} errors`,
    duration(elapsedSeconds),
  ].join('  ');
}

/** Where progress goes: a terminal gets one line that changes, anything else a line every few seconds. */
export class ProgressDisplay {
  readonly #stream: NodeJS.WriteStream;
  readonly #startedAtMs = performance.now();
  #nextAtMs: number;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    this.#nextAtMs = this.#startedAtMs + (stream.isTTY ? 0 : logIntervalMs);
  }

  update(progress: ReplayProgress): void {
    const now = performance.now();
    if (now < this.#nextAtMs) return;
    this.#nextAtMs = now + (this.#stream.isTTY ? terminalIntervalMs : logIntervalMs);
    const line = progressLine(progress, (now - this.#startedAtMs) / 1_000);
    // "\x1b[K" clears what a longer line left behind.
    this.#stream.write(this.#stream.isTTY ? `\r${line.slice(0, this.#stream.columns - 1)}\x1b[K` : `${line}\n`);
  }

  /** Clears the changing line. */
  end(): void {
    if (this.#stream.isTTY) this.#stream.write('\r\x1b[K');
  }
}
