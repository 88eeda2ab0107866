import { appendFileSync, copyFileSync, existsSync, renameSync, statSync, truncateSync } from 'node:fs';
import type { PublishedWindow } from '../../runtime/log-monitor/published-window.ts';

/** Tokens that a log tells of. */
export interface LogTokens {
  readonly prefill: number;
  readonly cached: number;
  readonly generated: number;
}

/**
 * Writes batch lines as an engine of one rank would, on a clock of its own, and knows what they add up to. Rates are
 * whole numbers and times whole seconds, so that generated tokens (rate times span) are exact as well.
 */
export class EngineLogWriter {
  readonly #path: string;
  readonly #random: () => number;
  #tokens: LogTokens = { prefill: 0, cached: 0, generated: 0 };
  #seconds = 0;
  #decodeSeconds: number | undefined;

  /** @param random 0 to 1 */
  constructor(path: string, random: () => number) {
    this.#path = path;
    this.#random = random;
  }

  /** Of all lines that were written whole. */
  get tokens(): LogTokens {
    return this.#tokens;
  }

  get size(): number {
    return existsSync(this.#path) ? statSync(this.#path).size : 0;
  }

  /** Appends `count` lines in one or more writes, as a busy process does. */
  writeLines(count: number): void {
    for (let left = count; left > 0; ) {
      const together = Math.min(left, 1 + this.#below(20));
      const lines = Array.from({ length: together }, () => this.#line());
      appendFileSync(this.#path, lines.map(({ text }) => text).join(''));
      for (const { tokens } of lines) this.#add(tokens);
      left -= together;
    }
  }

  /**
   * Appends lines until the disk takes no more. The last may be cut; it counts for nothing, and the next line is glued to it.
   * @returns how many went through
   */
  writeUntilFull(): number {
    for (let written = 0; ; written++) {
      const decodeSeconds = this.#decodeSeconds;
      const { text, tokens } = this.#line();
      try {
        appendFileSync(this.#path, text);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        this.#decodeSeconds = decodeSeconds;
        return written;
      }
      this.#add(tokens);
    }
  }

  /** A line in two writes, with something in between. */
  writeLineAround(between: () => void): void {
    const { text, tokens } = this.#line();
    const cut = 1 + this.#below(text.length - 2);
    appendFileSync(this.#path, text.slice(0, cut));
    between();
    appendFileSync(this.#path, text.slice(cut));
    this.#add(tokens);
  }

  /** logrotate's `create`: the file gets another name and the writer opens a new one. */
  rotateByRename(): void {
    if (!existsSync(this.#path)) return;
    this.#shift();
    renameSync(this.#path, `${this.#path}.1`);
  }

  /**
   * logrotate's `copytruncate`. Nothing is written between copy and truncation: what a process writes there is in neither
   * file, and no reader could find it.
   */
  rotateByCopy(): void {
    if (!existsSync(this.#path)) return;
    this.#shift();
    copyFileSync(this.#path, `${this.#path}.1`);
    truncateSync(this.#path);
  }

  /** Empties the log. Only what was read before is not lost with it. */
  truncate(): void {
    truncateSync(this.#path);
  }

  #shift(): void {
    let age = 1;
    while (existsSync(`${this.#path}.${age}`)) age++;
    for (; age > 1; age--) renameSync(`${this.#path}.${age - 1}`, `${this.#path}.${age}`);
  }

  #line(): { text: string; tokens: LogTokens } {
    this.#seconds += this.#below(3);
    const time = new Date(Date.UTC(2026, 10, 22) + this.#seconds * 1_000).toISOString().slice(0, 19).replace('T', ' ');
    if (this.#random() < 0.6) {
      const prefill = 1 + this.#below(8_192);
      const cached = this.#below(4_096);
      const fields = `#new-seq: 1, #new-token: ${prefill}, #cached-token: ${cached}, token usage: 0.12, #running-req: 3, #queue-req: 0`;
      return { text: `[${time}] Prefill batch, ${fields}, \n`, tokens: { prefill, cached, generated: 0 } };
    }
    const rate = 1 + this.#below(5_000);
    const generated = rate * (this.#seconds - (this.#decodeSeconds ?? this.#seconds));
    this.#decodeSeconds = this.#seconds;
    const fields = `#running-req: 4, #token: 900, token usage: 0.12, gen throughput (token/s): ${rate}.00, #queue-req: 0`;
    return { text: `[${time}] Decode batch, ${fields}, \n`, tokens: { prefill: 0, cached: 0, generated } };
  }

  #add({ prefill, cached, generated }: LogTokens): void {
    const { prefill: a, cached: b, generated: c } = this.#tokens;
    this.#tokens = { prefill: a + prefill, cached: b + cached, generated: c + generated };
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
}

/** What published windows add up to. */
export function tokensIn(windows: readonly PublishedWindow[]): LogTokens {
  return windows.reduce(
    (sum, { measurements }) => ({
      prefill: sum.prefill + (measurements.prefillTokens?.values[0] ?? 0),
      cached: sum.cached + (measurements.cachedTokens?.values[0] ?? 0),
      generated: sum.generated + (measurements.generationTokens?.values[0] ?? 0),
    }),
    { prefill: 0, cached: 0, generated: 0 },
  );
}
