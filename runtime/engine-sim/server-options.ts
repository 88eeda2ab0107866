import type { EngineSettings } from './core/types.ts';
import type { LogSink } from './logs/engine-log.ts';

/** How a simulated server is set up. Names follow SGLang's flags where it has one. */
export interface EngineServerOptions {
  /** @default 0: any free port */
  readonly port?: number;
  /** @default '127.0.0.1' */
  readonly host?: string;
  /** Name under which the model is served. @default 'simulated-model' */
  readonly modelName?: string;
  /** @default - the settings of the `default` preset */
  readonly settings?: EngineSettings;
  /** How many times faster than real time the engine runs. @default 1 */
  readonly timeScale?: number;
  /** @default 131072 tokens */
  readonly contextLength?: number;
  /** Engine time that loading takes; the port is not bound before it is over. @default 0 */
  readonly startupSeconds?: number;
  /** Without the request of its own with which SGLang warms up. @default false */
  readonly skipServerWarmup?: boolean;
  /** Demanded as a bearer token on everything but health and metrics. @default - no key */
  readonly apiKey?: string;
  /** Serves `/metrics`, and the times in `meta_info`. @default true */
  readonly enableMetrics?: boolean;
  /** Fills in `cached_tokens`. @default true */
  readonly enableCacheReport?: boolean;
  /** `/generate` streams carry only what is new. @default false */
  readonly incrementalStreamingOutput?: boolean;
  /** Serves embeddings and no text. @default false */
  readonly isEmbedding?: boolean;
  /** Mean length of an answer that no limit ends, 0 for endless. @default 200 */
  readonly meanOutputTokens?: number;
  /** Receives the server's log lines. @default - dropped */
  readonly log?: LogSink;
}

export type ResolvedServerOptions = Required<Omit<EngineServerOptions, 'apiKey' | 'log' | 'settings' | 'port'>> & {
  readonly port: number;
  readonly settings: EngineSettings;
  readonly apiKey: string | undefined;
};
