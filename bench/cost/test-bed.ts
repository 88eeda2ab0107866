import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Peer } from '../peers/peer.ts';
import { type RunningPeer, startPeer } from '../peers/start-peer.ts';
import type { CorePlan } from '../support/cores.ts';
import { sampleTree, type UsageSample } from '../support/process-usage.ts';
import { RemoteProcess } from '../support/remote-calls.ts';
import type { EngineCall } from './engine.ts';
import type { AnswerMode, CountMark, LoadJob, LoadResult } from './protocol.ts';

const engineCount = 4;
const startTimeoutMs = 60_000;
/** 300 bytes with its JSON around it. */
export const smallRequest = { uniqueBytes: 150, sharedBytes: 0, stream: false } as const;
/** 36 KB of which 8 KB are the same in all requests. */
export const sharedPrefixRequest = { uniqueBytes: 28 * 1024, sharedBytes: 8 * 1024, stream: false } as const;

/** Something to send load to: a router, or an engine itself. */
export interface Target {
  readonly name: string;
  readonly port: number;
  /** Undefined for the engine itself. */
  readonly router: RunningPeer | undefined;
}

export interface MarkedRun {
  readonly result: LoadResult;
  /** What was counted, and what the router had used, when counting began and when it ended. */
  readonly marks: readonly { readonly count: CountMark; readonly usage: UsageSample }[];
}

/** Engines, load and routers, each its own process; all of them end with it. */
export class TestBed implements AsyncDisposable {
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'bench-cost-'));
  readonly #engine = new RemoteProcess<EngineCall>(path.join(import.meta.dirname, 'engine.ts'), [String(engineCount)]);
  readonly #load = new RemoteProcess<LoadJob>(path.join(import.meta.dirname, 'load.ts'));
  readonly #routers = new Set<RunningPeer>();
  readonly #cores: CorePlan | undefined;
  #engineUrls: string[] = [];
  #direct: Target | undefined;
  #started = 0;

  constructor(cores: CorePlan | undefined) {
    this.#cores = cores;
  }

  /** The engine without a router in front. */
  async direct(): Promise<Target> {
    if (this.#direct === undefined) {
      const ports = await this.#engine.call<number[]>({ kind: 'ports' });
      this.#engineUrls = ports.map((port) => `http://127.0.0.1:${port}`);
      this.#direct = { name: 'direct', port: ports[0]!, router: undefined };
    }
    return this.#direct;
  }

  /** Starts a router and waits for its first answer. @returns it, with the seconds that this took */
  async start(peer: Peer): Promise<{ target: Target; startSeconds: number }> {
    await this.direct();
    await this.answerWith({ kind: 'json' });
    const folder = path.join(this.#folder, `${++this.#started}`);
    const router = await startPeer(peer, { engineUrls: this.#engineUrls, folder, cores: this.#cores?.router });
    this.#routers.add(router);
    const job = { kind: 'first-answer', port: router.port, shape: smallRequest, timeoutMs: startTimeoutMs } as const;
    const { answeredAtMs, failure } = await router.whileRunning(this.#load.call<LoadResult>(job));
    if (answeredAtMs === undefined) throw new Error(`${peer.name} never answered: ${failure}`);
    return {
      target: { name: peer.name, port: router.port, router },
      startSeconds: (answeredAtMs - router.startedAtMs) / 1_000,
    };
  }

  /** Load of each size that is not measured: routers run for days, and a JIT compiler needs seconds. */
  async warmUp({ port }: Target, durationMs: number): Promise<void> {
    for (const shape of [smallRequest, sharedPrefixRequest]) {
      const job = { kind: 'closed-loop', port, shape, connections: 64, warmUpMs: 0, durationMs } as const;
      await this.#load.call<LoadResult>(job);
    }
  }

  async stop({ router }: Target): Promise<void> {
    if (router === undefined) return;
    await router.stop();
    this.#routers.delete(router);
  }

  async answerWith(mode: AnswerMode): Promise<void> {
    await this.#engine.call({ kind: 'answer', mode });
  }

  async run(target: Target, job: LoadJob): Promise<MarkedRun> {
    const marks: { count: CountMark; usage: UsageSample }[] = [];
    const result = await this.#load.call<LoadResult>(job, (count) => {
      if (target.router) marks.push({ count: count as CountMark, usage: sampleTree(target.router.identity) });
    });
    return { result, marks };
  }

  /** Synchronous, for an exit by signal. */
  kill(): void {
    for (const router of this.#routers) router.kill();
    this.#engine[Symbol.dispose]();
    this.#load[Symbol.dispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#routers].map((router) => router.stop()));
    await this.#load.kill();
    await this.#engine.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
