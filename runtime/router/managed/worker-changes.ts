/** An engine that the managed router is to have. */
export interface WantedWorker {
  /** Base URL; the identity of a worker on both sides. */
  readonly url: string;
  /** Undefined lets it ask the engine. */
  readonly modelId: string | undefined;
}

/** A worker as the managed router lists it. */
export interface ListedWorker {
  /** Of its own making. */
  readonly id: string;
  /** With `--dp-aware` an engine is listed once for each rank, as `URL@RANK`. */
  readonly url: string;
  readonly isHealthy: boolean;
}

/** What was asked for a worker and is remembered as long as the worker is wanted or listed. */
export interface Addition {
  readonly modelId: string | undefined;
  readonly attempts: number;
  /** The addition failed and may be tried again from then on, ms; undefined while it is under way or done. */
  readonly retryAtMs: number | undefined;
  /** How far it got; one whose removal was asked for is leaving. */
  readonly phase: 'asked' | 'listed' | 'leaving';
}

export interface WorkerChanges {
  readonly add: readonly WantedWorker[];
  /** URLs whose addition is under way: ask whether it still is. */
  readonly lookAt: readonly string[];
  /** URLs of engines, without ranks. */
  readonly remove: readonly string[];
}

/** The engine of a listed worker, without the rank. */
export function engineUrlOf(listedUrl: string): string {
  return listedUrl.replace(/@\d+$/, '').replace(/\/+$/, '');
}

/**
 * What has to be asked of the managed router so that it has the wanted workers and no others. Additions and removals are
 * only accepted at first and done later, so this is called again and again until it returns nothing; what is under way is
 * not asked for twice. A worker whose model changed is removed and then added anew.
 * @param nowMs on the clock of `retryAtMs`
 */
export function workerChanges(
  wanted: readonly WantedWorker[],
  listed: readonly ListedWorker[],
  additions: ReadonlyMap<string, Addition>,
  nowMs: number,
): WorkerChanges {
  const listedUrls = new Set(listed.map(({ url }) => engineUrlOf(url)));
  const wantedByUrl = new Map(wanted.map((worker) => [worker.url, worker]));

  const add: WantedWorker[] = [];
  const lookAt: string[] = [];
  for (const worker of wantedByUrl.values()) {
    if (listedUrls.has(worker.url)) continue;
    const addition = additions.get(worker.url);
    const isAsked = addition?.phase === 'asked' && addition.modelId === worker.modelId;
    if (!isAsked) add.push(worker);
    else if (addition.retryAtMs === undefined) lookAt.push(worker.url);
    else if (nowMs >= addition.retryAtMs) add.push(worker);
  }

  const remove: string[] = [];
  for (const url of listedUrls) {
    const worker = wantedByUrl.get(url);
    const addition = additions.get(url);
    // One that is wanted again while it leaves is added once it is gone.
    const isExpected = addition === undefined || addition.phase === 'leaving' || addition.modelId === worker?.modelId;
    if (worker === undefined || !isExpected) remove.push(url);
  }
  return { add, lookAt, remove };
}
