/** The words in which tests tell a fake cloud what happens. Times in ms; those of events are on the clock of `performance.now()`. */

export interface HookOptions {
  readonly name: string;
  readonly transition: 'launching' | 'terminating';
  /** AWS takes 30 to 7,200 s; divided by the cloud's time scale here. @default 3600 */
  readonly heartbeatTimeoutSeconds?: number;
  /** @default 'ABANDON' */
  readonly defaultResult?: HookResult;
}

export type HookResult = 'CONTINUE' | 'ABANDON';

export interface GroupOptions {
  /** @default 'fleet-workers' */
  readonly name?: string;
  readonly hooks?: readonly HookOptions[];
  /** @default 0 */
  readonly minSize?: number;
  /** @default 10 */
  readonly maxSize?: number;
  /** @default 0 */
  readonly desiredCapacity?: number;
}

export interface LaunchOptions {
  /** @default - the first group; null launches an instance that belongs to none */
  readonly group?: string | null;
  /** @default - one that is not yet taken */
  readonly instanceId?: string;
  /** Where the instance goes after its launch hook. @default 'InService' */
  readonly to?: 'InService' | 'Warmed:Stopped' | 'Warmed:Running';
  /** Metadata has the instance's tags, the group's name among them. @default true */
  readonly hasTagsInMetadata?: boolean;
}

/** How an open lifecycle action ended. */
export interface HookOutcome {
  readonly instanceId: string;
  readonly hookName: string;
  readonly result: HookResult;
  readonly by: 'call' | 'timeout';
  readonly atMs: number;
  /** Heartbeats that it was given. */
  readonly heartbeats: number;
}

/** One request to an API of the fake cloud. */
export interface CloudCall {
  /** e.g. `CompleteLifecycleAction` */
  readonly action: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly atMs: number;
  /** HTTP status of the answer; 0 for none. */
  readonly status: number;
}

/** An answer that refuses. */
export interface CloudFailure {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}
