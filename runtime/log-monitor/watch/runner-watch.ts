import type { RunnerReport } from '../in-service.ts';
import { getText } from './get-text.ts';

const timeoutMs = 2_000;
const maxBytes = 256 * 1024;

/** Asks the runner on this machine how it is (`GET /health`). */
export class RunnerWatch {
  readonly #url: string;
  readonly #now: () => number;
  #last: RunnerReport | null = null;
  #model: string | null = null;

  /** @param url the runner's control surface */
  constructor(url: string, now: () => number) {
    this.#url = url;
    this.#now = now;
  }

  /** What it last said; null when it never answered. */
  get last(): RunnerReport | null {
    return this.#last;
  }

  /** The model that its engine serves, null when it did not say. */
  get model(): string | null {
    return this.#model;
  }

  /** Never rejects, but with the signal's reason; a runner that does not answer leaves its last word standing. */
  async ask(signal: AbortSignal): Promise<void> {
    const result = await getText(`${this.#url}/health`, { timeoutMs, maxBytes, signal });
    const health = result.kind === 'answer' && result.status === 200 ? readRunnerHealth(result.text) : undefined;
    if (health === undefined) return;
    this.#last = { isServing: health.isServing, atMs: this.#now() };
    this.#model = health.model ?? this.#model;
  }
}

/** Reads the runner's health; undefined for anything else. `status` is `ok` until the runner drains. */
export function readRunnerHealth(text: string): { isServing: boolean; model: string | null } | undefined {
  const health = parse(text) as { status?: unknown; model?: unknown; engine?: { state?: unknown } } | null | undefined;
  const state = health?.engine?.state;
  if (typeof health?.status !== 'string' || typeof state !== 'string') return undefined;
  return {
    isServing: health.status === 'ok' && state === 'ready',
    model: typeof health.model === 'string' && health.model !== '' ? health.model : null,
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
