import { appendFileSync, renameSync, statSync } from 'node:fs';

/** What an engine prints beside batches: one access line for each request. */
const kinds = ['prefill', 'decode', 'decode', 'decode', 'access'] as const;
/** As logrotate does on a worker. */
const rotateAtBytes = 10 * 1_024 * 1_024;

/** Appends lines of a busy engine; a rotated log keeps one predecessor. */
export class BusyLog {
  readonly #path: string;
  #lines = 0;

  constructor(path: string) {
    this.#path = path;
  }

  get lines(): number {
    return this.#lines;
  }

  /** @param linesPerSecond how far the log's own clock moves on with each line */
  write(count: number, linesPerSecond: number): void {
    let text = '';
    for (let i = 0; i < count; i++) text += this.#line(linesPerSecond);
    appendFileSync(this.#path, text);
    if (statSync(this.#path).size > rotateAtBytes) renameSync(this.#path, `${this.#path}.1`);
  }

  #line(linesPerSecond: number): string {
    const n = this.#lines++;
    const time = new Date(Date.UTC(2026, 10, 22) + (n / linesPerSecond) * 1_000).toISOString();
    const stamp = `[${time.slice(0, 10)} ${time.slice(11, 19)}]`;
    switch (kinds[n % kinds.length]!) {
      case 'prefill':
        return `${stamp} Prefill batch, #new-seq: 3, #new-token: ${500 + (n % 4_000)}, #cached-token: ${n % 3_000}, token usage: 0.62, #running-req: 41, #queue-req: ${n % 7}, #pending-token: 0, cuda graph: False, input throughput (token/s): ${8_000 + (n % 999)}.17\n`;
      case 'decode':
        return `${stamp} Decode batch, #running-req: 44, #token: ${180_000 + n}, token usage: 0.62, cuda graph: True, gen throughput (token/s): ${2_400 + (n % 300)}.05, #queue-req: ${n % 7}\n`;
      case 'access':
        return `${stamp} INFO:     10.0.3.${n % 250}:${40_000 + (n % 20_000)} - "POST /v1/chat/completions HTTP/1.1" 200 OK\n`;
    }
  }
}
