import type { EngineLoad, WorkerView } from '../../shared/protocol.ts';
import type { RoutableWorker } from '../policy/policy.ts';
import { PrefillQueue } from '../policy/prefill-queue.ts';
import type { PrefixBudget } from '../policy/prefix-budget.ts';
import { PrefixIndex } from '../policy/prefix-index.ts';
import { blockBytes } from '../policy/prompt-blocks.ts';
import { type EngineAccess, EngineClient } from '../upstream/engine-client.ts';
import type { Usage } from '../upstream/usage.ts';

/** Where a worker is known from; it stays as long as one source names it. */
export type WorkerSource = 'runner' | 'static' | 'asg';

export type WorkerState = WorkerView['state'];

/** A model as an engine lists it in `GET /v1/models`. */
export interface ModelCard {
  readonly id: string;
  readonly [field: string]: unknown;
}

/** Prompt length in bytes per token, until engines have told: English text in JSON. */
export const priorBytesPerToken = 4;
/** Length of an answer, until engines have told. */
export const priorAnswerTokens = 250;
/** KV pool of an engine that has not told its size. */
const priorKvTokens = 200_000;

/** One engine with all that this router knows of it. Owned by the registry; the relay keeps its counts. */
export class Worker implements RoutableWorker {
  /** `host:port` of the engine. */
  readonly id: string;
  /** Base URL of the engine, without trailing slash. */
  readonly url: string;
  readonly engine: EngineClient;
  readonly prefill = new PrefillQueue();
  readonly prefixes: PrefixIndex;
  readonly sources = new Set<WorkerSource>();

  state: WorkerState = 'starting';
  models: readonly ModelCard[] = [];
  runnerId: string | undefined;
  instanceId: string | undefined;
  /** Its Auto Scaling group, when one of the configured groups has it. */
  groupName: string | undefined;
  /** Its Auto Scaling group is terminating the instance, whatever the runner says meanwhile. */
  isLeaving = false;
  /** Wall clock ms of the runner's last heartbeat. */
  lastHeartbeatAtMs: number | undefined;
  load: EngineLoad | undefined;

  inFlightRequests = 0;
  inFlightTokens = 0;
  lastSentAtMs = 0;
  completedRequests = 0;
  failedRequests = 0;
  /** Times it fell out of rotation since a request last succeeded; see holdOutMs. */
  consecutiveFailures = 0;
  /** Tokens over all answers that said so. */
  promptTokens = 0;
  cachedTokens = 0;
  completionTokens = 0;
  #toldAnswers = 0;
  #reportsCachedTokens = false;

  constructor(url: string, prefixBudget: PrefixBudget, access: EngineAccess) {
    this.url = url;
    this.prefixes = new PrefixIndex(blocksOf(priorKvTokens), prefixBudget);
    this.id = new URL(url).host;
    this.engine = new EngineClient(url, access);
  }

  /** The first of its models. */
  get model(): string | undefined {
    return this.models[0]?.id;
  }

  /** Whether the worker serves `model`; one that has not listed its models yet serves anything. */
  serves(model: string): boolean {
    return this.models.some(({ id }) => id === model);
  }

  /** SGLang leaves `cached_tokens` out when it is 0, and always without --enable-cache-report. */
  noteUsage({ promptTokens, cachedTokens, completionTokens }: Usage): void {
    this.promptTokens += promptTokens;
    if (completionTokens !== undefined) {
      this.completionTokens += completionTokens;
      this.#toldAnswers++;
    }
    if (cachedTokens === undefined) return;
    this.#reportsCachedTokens = true;
    this.cachedTokens += Math.min(cachedTokens, promptTokens);
  }

  /** Mean length of its answers, or a prior. */
  get expectedAnswerTokens(): number {
    return this.#toldAnswers > 0 ? this.completionTokens / this.#toldAnswers : priorAnswerTokens;
  }

  /** Size of the engine's KV pool, or a prior. */
  get kvTokens(): number {
    const { maxTotalTokens = 0 } = this.load ?? {};
    return maxTotalTokens > 0 ? maxTotalTokens : priorKvTokens;
  }

  setLoad(load: EngineLoad): void {
    const isNewSize = load.maxTotalTokens !== this.load?.maxTotalTokens;
    this.load = load;
    if (isNewSize && load.maxTotalTokens > 0) {
      this.prefixes.resize(blocksOf(load.maxTotalTokens));
    }
  }

  /** Ends what the worker holds: connections and the memory of its cache. */
  close(): void {
    this.engine.pool.close();
    this.prefixes.close();
  }

  /** @param nowMs wall clock, for the age of the heartbeat */
  toView(nowMs: number): WorkerView {
    return {
      id: this.id,
      url: this.url,
      model: this.model ?? null,
      state: this.state,
      sources: [...this.sources],
      runnerId: this.runnerId ?? null,
      instanceId: this.instanceId ?? null,
      inFlightRequests: this.inFlightRequests,
      inFlightTokens: Math.round(this.inFlightTokens),
      completedRequests: this.completedRequests,
      failedRequests: this.failedRequests,
      prefillTokensPerSecond: this.prefill.observedTokensPerSecond,
      tokenHitRate: this.#reportsCachedTokens ? this.cachedTokens / this.promptTokens : null,
      load: this.load ?? null,
      lastHeartbeatAgeSeconds: this.lastHeartbeatAtMs === undefined ? null : (nowMs - this.lastHeartbeatAtMs) / 1_000,
    };
  }
}

/** Blocks that fit into a KV pool of so many tokens. */
function blocksOf(kvTokens: number): number {
  return Math.max(1, Math.floor((kvTokens * priorBytesPerToken) / blockBytes));
}
