/**
 * Parallel ranks as the engine prints them, e.g. `{DP: 0, TP: 3, EP: 3}`; `gpu` for the `[gpu=0]` of SGLang 0.2.
 * A dimension of size 1 is not printed, and a rank may be negative (0.3.5.post2).
 */
export type Rank = Readonly<Record<string, number>>;

/** What every event carries: who said it and when. */
export interface Stamped {
  /** As printed: the engine's local time without zone, to the second unless SGLANG_LOG_MS is set; null when absent. */
  readonly time: string | null;
  readonly rank: Rank;
}

export type StartupPhase = 'distributed-init' | 'load-weight' | 'kv-cache' | 'graph-capture' | 'jit-compile';

export type CrashClass =
  | 'gpu-out-of-memory'
  | 'kv-pool-too-small'
  | 'host-out-of-memory'
  | 'too-few-gpus'
  | 'gpu-missing'
  | 'gpu-unsupported'
  | 'gpu-error'
  | 'nccl'
  | 'watchdog'
  | 'engine-exception'
  | 'child-died'
  | 'warmup-failed'
  | 'not-installed'
  | 'bad-arguments'
  | 'model-not-found'
  | 'model-gated'
  | 'model-unreachable'
  | 'disk-full'
  | 'port-in-use'
  | 'container-without-gpu'
  | 'container-failed';

/** A line that says something about the engine's life. Sizes in GB and times in seconds, as printed. */
export type LifeEvent = Stamped &
  (
    | { readonly kind: 'server-args' }
    | {
        readonly kind: 'startup-phase';
        readonly phase: StartupPhase;
        readonly state: 'begin' | 'end';
        readonly elapsedSeconds?: number;
        readonly availableMemoryGb?: number;
      }
    /** A progress bar's latest state. A captured line may hold several, parted by carriage returns. */
    | { readonly kind: 'startup-progress'; readonly phase: StartupPhase; readonly done: number; readonly total: number }
    | {
        readonly kind: 'kv-cache-allocated';
        readonly tokens?: number;
        readonly keyGb?: number;
        readonly valueGb?: number;
      }
    /** `max_total_num_tokens` and its companions, names as printed; `available_gpu_mem` in GB. */
    | { readonly kind: 'capacity'; readonly values: Readonly<Record<string, number>> }
    /** Summary of the start-up (0.5.23), seconds by phase name as printed. */
    | { readonly kind: 'startup-timings'; readonly seconds: Readonly<Record<string, number>> }
    /** uvicorn's stages. `listening` means that the port is bound, not that the engine is ready. */
    | {
        readonly kind: 'http-server';
        readonly stage: 'process-started' | 'starting' | 'started' | 'listening' | 'stopping' | 'stopped';
      }
    | { readonly kind: 'ready'; readonly mode: 'serving' | 'disaggregation' }
    | {
        readonly kind: 'retraction';
        readonly requests: number;
        readonly newTokenRatio?: { readonly before: number; readonly after: number };
      }
    | { readonly kind: 'health-check-failed' }
    | {
        readonly kind: 'crash';
        readonly crashClass: CrashClass;
        /** False for a soft watchdog, which only dumps stacks. */
        readonly isFatal: boolean;
        /** Exit code of the child that died; negative is a signal. */
        readonly exitCode?: number;
      }
    | { readonly kind: 'drain'; readonly stage: 'started' | 'waiting'; readonly remainingRequests?: number }
    | { readonly kind: 'cache-flushed' }
    /** Output for a request that nobody waits for any more: a zombie of a disconnected client (0.5.17, 0.5.18). */
    | { readonly kind: 'orphaned-output' }
    | { readonly kind: 'transfer-failed' }
    /** uvicorn's access line; the query is left out because it may hold a key. */
    | { readonly kind: 'access'; readonly method: string; readonly path: string; readonly status: number }
  );
