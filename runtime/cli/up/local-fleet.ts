import path from 'node:path';
import { engineStopGraceMs } from '../../runner/drain-plan.ts';
import { findFreePorts } from '../../shared/process/free-port.ts';
import { describeEnd } from '../../shared/process/owned-process.ts';
import type { RunLock } from '../../shared/process/run-lock.ts';
import type { FleetView } from '../../shared/protocol.ts';
import { UserError } from '../user-error.ts';
import type { ConsoleOutput } from './console-output.ts';
import { Daemon, type DaemonFailure } from './daemon.ts';
import type { UpOptions } from './options.ts';
import {
  planWorkers,
  routerArguments,
  routerLogFile,
  routerUrl,
  runnerArguments,
  runnerEnvironment,
  type WorkerPlan,
} from './plan.ts';
import { waitForFleetView } from './router-watch.ts';
import { shownPath } from './shown-path.ts';
import type { WorkerEndpoint } from './summary.ts';
import { WorkerWatch } from './worker-watch.ts';

/** A process that ends this often in a row before the fleet serves has a reason that waiting does not cure. */
const failuresUntilGivenUp = 3;
const routerStartDeadlineMs = 30_000;
const registrationDeadlineMs = 30_000;
/** Engines that already run either answer soon or are not there. */
const externalDeadlineMs = 5_000;
const endMarginMs = 20_000;

export interface Serving {
  readonly workers: readonly WorkerEndpoint[];
  /** The model that clients can name, null when no worker said. */
  readonly model: string | null;
}

interface LocalWorker {
  readonly plan: WorkerPlan;
  readonly daemon: Daemon;
  readonly watch: WorkerWatch;
}

/** The processes of a fleet on this machine: one router, and a runner for each worker. */
export class LocalFleet {
  readonly #options: UpOptions;
  readonly #lock: RunLock;
  readonly #output: ConsoleOutput;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #router: Daemon;
  readonly #workers: readonly LocalWorker[];
  readonly #ports = new Map<WorkerPlan, number>();
  readonly #watching = new AbortController();
  readonly #failure = Promise.withResolvers<never>();
  #isServing = false;

  /** @param environment this process's own, from which those of the daemons are made */
  constructor(options: UpOptions, lock: RunLock, output: ConsoleOutput, environment: NodeJS.ProcessEnv) {
    this.#options = options;
    this.#lock = lock;
    this.#output = output;
    // Compiled code is kept from one start to the next, which halves the start of every daemon.
    this.#environment = { NODE_COMPILE_CACHE: path.join(options.dataDir, 'compile-cache'), ...environment };
    this.#failure.promise.catch(() => undefined);
    this.#router = this.#daemon('router', routerLogFile(options), async () => routerArguments(options));
    this.#workers = planWorkers(options).map((plan, index) => this.#worker(plan, index));
  }

  start(): void {
    this.#router.start();
    for (const { daemon, watch } of this.#workers) {
      daemon.start();
      void watch.run();
    }
  }

  /**
   * Resolves once every worker takes traffic.
   * @throws UserError when a process keeps failing; the signal's reason
   */
  async untilServing(signal: AbortSignal): Promise<Serving> {
    const aborted = Promise.withResolvers<never>();
    const abort = () => aborted.reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    try {
      const serving = await Promise.race([this.#watchStart(signal), this.#failure.promise, aborted.promise]);
      this.#isServing = true;
      return serving;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** Drains the workers, then the router, so that streams in flight reach their clients. */
  async stop(): Promise<void> {
    this.#watching.abort();
    const drainMs = this.#options.drainSeconds * 1_000;
    const end = async (daemon: Daemon, graceMs: number) => {
      await daemon.stop(graceMs);
      this.#output.step(`${daemon.name} ended`);
    };
    await Promise.all(this.#workers.map(({ daemon }) => end(daemon, drainMs + engineStopGraceMs + endMarginMs)));
    await end(this.#router, drainMs + endMarginMs);
  }

  /** Ends everything at once, synchronously. */
  kill(): void {
    this.#watching.abort();
    for (const { daemon } of this.#workers) daemon.kill();
    this.#router.kill();
  }

  async #watchStart(signal: AbortSignal): Promise<Serving> {
    const url = routerUrl(this.#options);
    const wait = { secret: this.#environment['FLEET_INTERNAL_SECRET'], signal };
    await waitForFleetView(url, () => true, { ...wait, deadlineMs: routerStartDeadlineMs });
    this.#output.step(`router answers on ${url}`);

    const healths = await Promise.all(this.#workers.map(({ watch }) => watch.ready));
    const { engines } = this.#options;
    const wanted = engines.kind === 'external' ? engines.urls.length : this.#workers.length;
    const deadlineMs = engines.kind === 'external' ? externalDeadlineMs : registrationDeadlineMs;
    const view = await waitForFleetView(url, (seen) => readyUrls(seen).length >= wanted, { ...wait, deadlineMs });
    this.#output.step(`${readyUrls(view).length} of ${wanted} workers ready`);

    const external: WorkerEndpoint[] = view.workers.map((worker) => ({
      name: worker.state === 'ready' ? 'worker' : `worker (${worker.state})`,
      engineUrl: worker.url,
      runnerUrl: undefined,
    }));
    const own = healths.map((health, index) => ({
      name: this.#workers[index]!.plan.name,
      engineUrl: health.engineUrl,
      runnerUrl: `http://127.0.0.1:${this.#ports.get(this.#workers[index]!.plan)}`,
    }));
    return {
      workers: engines.kind === 'external' ? external : own,
      model: view.workers.find((worker) => worker.model !== null)?.model ?? null,
    };
  }

  #worker(plan: WorkerPlan, index: number): LocalWorker {
    const watch = new WorkerWatch({
      worker: plan,
      runnerUrl: () => `http://127.0.0.1:${this.#ports.get(plan)}`,
      output: this.#output,
      onEngineEnd: (endsInARow) => {
        if (endsInARow >= failuresUntilGivenUp) this.#giveUp(`the engine of ${plan.name}`, plan.logDir);
      },
      signal: this.#watching.signal,
    });
    const args = async () => {
      // Another program may have taken the port before the runner did; once the runner answered, the port is its own.
      if (!watch.hasAnswered) this.#ports.set(plan, (await findFreePorts(1, '127.0.0.1'))[0]!);
      return runnerArguments(this.#options, plan, this.#ports.get(plan)!);
    };
    return {
      plan,
      watch,
      daemon: this.#daemon(plan.name, plan.logFile, args, runnerEnvironment(this.#options, index, this.#environment)),
    };
  }

  #daemon(name: string, logFile: string, args: () => Promise<readonly string[]>, env: NodeJS.ProcessEnv = {}): Daemon {
    return new Daemon({
      name,
      logFile,
      args,
      env: { ...this.#environment, ...env },
      lock: this.#lock,
      onFailure: (failure) => this.#onDaemonFailure(name, logFile, failure),
    });
  }

  #onDaemonFailure(name: string, logFile: string, { end, failures, waitMs }: DaemonFailure): void {
    this.#output.step(`${name} ${describeEnd(end)}; it starts again in ${waitMs / 1_000} s`);
    this.#output.logTail(logFile);
    if (failures >= failuresUntilGivenUp) this.#giveUp(name, logFile);
  }

  /** Matters before the fleet serves only: later, restarting is all that can be done. */
  #giveUp(what: string, log: string): void {
    if (this.#isServing) return;
    this.#failure.reject(new UserError(`${what} ended ${failuresUntilGivenUp} times in a row; see ${shownPath(log)}.`));
  }
}

function readyUrls(view: FleetView): string[] {
  return view.workers.filter((worker) => worker.state === 'ready').map((worker) => worker.url);
}
