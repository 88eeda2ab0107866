import { mkdtempSync } from 'node:fs';
import path from 'node:path';
import { fetchFleet } from '../../runtime/cli/status.ts';
import { type EngineServer, startEngineServer } from '../../runtime/engine-sim/server.ts';
import type { WorkerView } from '../../runtime/shared/protocol.ts';
import { FakeCloud } from './cloud/fake-cloud.ts';
import type { LaunchOptions } from './cloud/story.ts';
import { CloudWorker } from './cloud-worker.ts';
import { completeChat, LiveStream } from './live-stream.ts';
import { until } from './poll.ts';
import { type StartedProcess, startFleetCommand } from './process.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const root = path.join(import.meta.dirname, '../..');

export interface CloudFleetOptions {
  /** How many times faster than real time all daemons, engines and hooks run. */
  readonly timeScale: number;
  /** Heartbeat time-out of the terminate hook, in engine time. @default 3600 */
  readonly terminateTimeoutSeconds?: number;
  /** Of every runner. */
  readonly runnerArgs?: readonly string[];
}

export interface WorkerOptions extends LaunchOptions {
  readonly args?: readonly string[];
  /** An engine that does not end with its runner, as a real one does not. @default false */
  readonly hasDetachedEngine?: boolean;
  /** One that can be made to fail at every start, see `breakEngine`. @default false */
  readonly hasBreakableEngine?: boolean;
  /** Added to the runner's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Of the simulator. */
  readonly engineArgs?: readonly string[];
}

/** Engine time of one token. */
export const tokenMs = 250;
const decodeArgs = [
  ...['--decode-step-ms', String(tokenMs), '--decode-ms-per-request', '0'],
  ...['--decode-ms-per-thousand-tokens', '0'],
];

/** A router and workers as real daemons, each worker on an instance of a fake cloud. */
export class CloudFleet implements AsyncDisposable {
  readonly cloud: FakeCloud;
  readonly timeScale: number;
  readonly #options: CloudFleetOptions;
  readonly #router: StartedProcess;
  readonly #reference: EngineServer;
  readonly #folder: string;
  readonly #stack: AsyncDisposableStack;
  url = '';

  static async start(options: CloudFleetOptions): Promise<CloudFleet> {
    await using stack = new AsyncDisposableStack();
    const { timeScale, terminateTimeoutSeconds: heartbeatTimeoutSeconds = 3_600 } = options;
    const cloud = stack.use(await FakeCloud.start({ timeScale }));
    cloud.createGroup({
      hooks: [
        // Booting takes real time, which is not scaled.
        { name: 'fleet-launch', transition: 'launching', heartbeatTimeoutSeconds: 7_200 },
        { name: 'fleet-terminate', transition: 'terminating', heartbeatTimeoutSeconds },
      ],
    });
    const folder = stack.use(await temporaryDirectory()).path;
    const reference = await startEngineServer({ timeScale: 10_000 });
    stack.defer(() => reference.close());
    await reference.ready;
    const router = stack.use(startFleetCommand(['router', '--port', '0', '--time-scale', String(timeScale)]));
    const fleet = new CloudFleet(options, cloud, router, reference, folder, stack.move());
    const [, url] = await router.waitForLine(/"msg":"router listening".*"url":"([^"]+)"/);
    fleet.url = url!;
    return fleet;
  }

  private constructor(
    options: CloudFleetOptions,
    cloud: FakeCloud,
    router: StartedProcess,
    reference: EngineServer,
    folder: string,
    stack: AsyncDisposableStack,
  ) {
    this.cloud = cloud;
    this.timeScale = options.timeScale;
    this.#options = options;
    this.#router = router;
    this.#reference = reference;
    this.#folder = folder;
    this.#stack = stack;
  }

  /** Launches an instance and starts its runner. */
  async launch(options: WorkerOptions = {}): Promise<CloudWorker> {
    const { args = [], engineArgs = [], env = {}, hasDetachedEngine, hasBreakableEngine, ...launch } = options;
    const instance = await this.cloud.launch(launch);
    const dataDir = mkdtempSync(path.join(this.#folder, 'worker-'));
    const simulator = path.join(root, 'runtime/cli/main.ts');
    const speed = `--time-scale ${this.timeScale}`;
    const command = `${process.execPath} ${simulator} sim --host {host} --port {port} ${speed}`;
    const breakable = `sh -c 'test ! -e ${dataDir}/broken && exec ${command} "$@"' sh`;
    const worker = new CloudWorker(instance, dataDir, env, [
      ...['--router-url', this.url, '--port', '0', '--engine-port', '0', '--warm-sandboxes', '0'],
      ...['--time-scale', String(this.timeScale)],
      ...(hasDetachedEngine || hasBreakableEngine
        ? ['--engine-command', hasBreakableEngine ? breakable : command]
        : []),
      ...(this.#options.runnerArgs ?? []),
      ...args,
      ...['--', ...decodeArgs, ...engineArgs],
    ]);
    this.#stack.use(worker);
    worker.boot();
    return worker;
  }

  /** Launches an instance and waits until the router sends requests to it. */
  async serving(options?: WorkerOptions): Promise<CloudWorker> {
    const worker = await this.launch(options);
    try {
      await this.untilState(worker, 'ready');
    } catch (error) {
      throw new Error(`It does not serve. Its output:\n${worker.daemon.output}`, { cause: error });
    }
    return worker;
  }

  /** The worker as the router sees it; undefined when it does not. */
  async viewOf(worker: CloudWorker): Promise<WorkerView | undefined> {
    const { workers } = await fetchFleet({ url: this.url });
    return workers.find(({ instanceId }) => instanceId === worker.instance.instanceId);
  }

  async untilState(worker: CloudWorker, state: WorkerView['state']): Promise<WorkerView> {
    return await until(`${worker.instance.instanceId} was ${state}`, async () => {
      const view = await this.viewOf(worker);
      return view?.state === state && view;
    });
  }

  async untilGone(worker: CloudWorker): Promise<void> {
    await until(`${worker.instance.instanceId} had left the router`, async () => !(await this.viewOf(worker)));
  }

  /** @param seconds how long the answer takes, in engine time */
  async openStream(prompt: string, seconds: number, extra: object = {}): Promise<LiveStream> {
    const stream = await LiveStream.open(this.url, { ...chat(prompt, seconds), ...extra });
    await stream.begun;
    return stream;
  }

  /** Opens streams on the prompts `Story 0`, `Story 1`, ...: at least `count`, and one on each ready worker. */
  async openStreams(count: number, seconds: number): Promise<LiveStream[]> {
    const { workers } = await fetchFleet({ url: this.url });
    const idle = new Set(workers.filter(({ state }) => state === 'ready').map(({ id }) => id));
    const streams = await Promise.all(Array.from({ length: count }, (_, i) => this.openStream(`Story ${i}`, seconds)));
    for (const { worker } of streams) idle.delete(worker ?? '');
    while (idle.size > 0) {
      const stream = await this.openStream(`Story ${streams.length}`, seconds);
      streams.push(stream);
      idle.delete(stream.worker ?? '');
    }
    return streams;
  }

  async complete(prompt: string, seconds: number) {
    return await completeChat(this.url, chat(prompt, seconds));
  }

  /** What an engine that nobody disturbs answers. */
  async expectedText(prompt: string, seconds: number): Promise<string> {
    const { text, failure } = await completeChat(this.#reference.url, chat(prompt, seconds));
    if (failure !== undefined) throw new Error(failure);
    return text;
  }

  get routerOutput(): string {
    return this.#router.output;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack[Symbol.asyncDispose]();
  }
}

function chat(prompt: string, seconds: number) {
  const messages = [{ role: 'user', content: prompt }];
  return { model: 'any', messages, max_tokens: Math.round((1_000 * seconds) / tokenMs), ignore_eos: true };
}
