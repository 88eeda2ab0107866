import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../shared/log.ts';
import { readEngineMetrics } from '../sources/engine-metrics.ts';
import { type LoadSample, readLoads } from '../sources/loads.ts';
import type { EngineLook } from '../window-measures.ts';
import { type GetTextResult, getText } from './get-text.ts';

export interface EngineWatchOptions {
  /** Base address of the engine. */
  readonly url: string;
  /** Needed when the engine was started with `--api-key`. */
  readonly apiKey?: string | undefined;
  /** Between two looks at the load, in ms. */
  readonly sampleMs: number;
  readonly log: Logger;
}

/** What the engine's HTTP server said since the last time. */
export interface EngineWindow {
  readonly look: EngineLook;
  /** Whether it answered at all. */
  readonly isAnswering: boolean;
  readonly maxRunningRequests: number | null;
  readonly model: string | null;
}

/** The load since 0.5.8, and before that since 0.5.0. */
const loadPaths = ['/v1/loads?include=core', '/get_load'];
const timeoutMs = 2_000;
const maxLoadBytes = 1024 * 1024;
/** A real 0.5.23 answers 100 kB; every data-parallel rank and custom label adds some. */
const maxMetricsBytes = 16 * 1024 * 1024;
/** An hour of looks, should nobody collect them. */
const maxSamples = 1_440;

/** Looks at the engine: at its load every few seconds, at its counters when a window ends. */
export class EngineWatch {
  readonly #options: EngineWatchOptions;
  readonly #stopping = new AbortController();
  readonly #outcomes = new Map<string, string>();
  #watching: Promise<void> = Promise.resolve();
  #loadPath = 0;
  #samples: LoadSample[] = [];
  #hasAnswered = false;
  #maxRunningRequests: number | null = null;
  #model: string | null = null;

  constructor(options: EngineWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#watching = this.#sample();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#watching;
  }

  /** Looks at the counters now and hands over what was seen since the last time. Never rejects. */
  async collect(): Promise<EngineWindow> {
    const metrics = await this.#readMetrics();
    if (typeof metrics !== 'string' && metrics.modelName !== null) this.#model = metrics.modelName;
    const window: EngineWindow = {
      look: { loads: this.#samples, metrics },
      isAnswering: this.#hasAnswered,
      maxRunningRequests: this.#maxRunningRequests,
      model: this.#model,
    };
    this.#samples = [];
    this.#hasAnswered = false;
    return window;
  }

  async #sample(): Promise<void> {
    const { signal } = this.#stopping;
    try {
      for (;;) {
        await this.#readLoad(signal);
        await delay(this.#options.sampleMs, undefined, { signal });
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #readLoad(signal: AbortSignal): Promise<void> {
    const path = loadPaths[this.#loadPath]!;
    const result = await this.#get(path, maxLoadBytes, signal);
    // Another version may run after a restart, so every look at an engine without the path tries the other one.
    if (result.kind === 'answer' && result.status === 404) this.#loadPath = (this.#loadPath + 1) % loadPaths.length;
    const sample = result.kind === 'answer' && result.status === 200 ? readLoads(parse(result.text)) : undefined;
    this.#note('loads', sample === undefined ? describe(result) : 'read');
    if (sample === undefined) return;
    this.#samples.push(sample);
    if (this.#samples.length > maxSamples) this.#samples.shift();
    this.#maxRunningRequests = sample.maxRunningRequests ?? this.#maxRunningRequests;
  }

  async #readMetrics(): Promise<EngineLook['metrics']> {
    const result = await this.#get('/metrics', maxMetricsBytes);
    const metrics = result.kind === 'answer' && result.status === 200 ? readEngineMetrics(result.text) : undefined;
    this.#note('metrics', metrics === undefined ? describe(result) : 'read');
    return metrics ?? (result.kind === 'refused' ? 'refused' : 'missing');
  }

  async #get(path: string, maxBytes: number, signal?: AbortSignal): Promise<GetTextResult> {
    const { url, apiKey } = this.#options;
    const headers = apiKey === undefined ? undefined : { authorization: `Bearer ${apiKey}` };
    const result = await getText(`${url}${path}`, { headers, timeoutMs, maxBytes, signal });
    if (result.kind === 'answer') this.#hasAnswered = true;
    if (result.kind === 'refused') this.#maxRunningRequests = null;
    return result;
  }

  /** One line for each change: an engine that starts refuses connections for minutes. */
  #note(source: string, outcome: string): void {
    if (this.#outcomes.get(source) === outcome) return;
    this.#outcomes.set(source, outcome);
    this.#options.log.info('engine source changed', { source, outcome });
  }
}

function describe(result: GetTextResult): string {
  if (result.kind !== 'answer') return result.reason;
  return result.status === 200 ? 'an answer of another shape' : `status ${result.status}`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
