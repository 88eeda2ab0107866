import { setTimeout as delay } from 'node:timers/promises';
import type { RunnerHealth } from '../runner/server.ts';
import { bearerHeaders } from '../shared/auth.ts';
import { callJson, HttpStatusError } from '../shared/call-json.ts';
import { runnerDrainPath, type WorkerDrain, workerDrainPath } from '../shared/protocol.ts';
import type { RouterOptions } from './router-options.ts';
import { fetchFleet } from './status.ts';
import { oneLine } from './terminal-text.ts';
import { reportUserErrors, UserError, unreachable } from './user-error.ts';

export interface DrainCommandOptions extends RouterOptions {
  readonly runnerUrl?: string;
  readonly internalSecret?: string;
  readonly wait: boolean;
  readonly timeoutSeconds: number;
}

const pollMs = 500;

/** Something that drains, and how to look at it. */
interface Drain {
  readonly name: string;
  /** What is left, in words; undefined when the drain is over. */
  look(): Promise<string | undefined>;
}

/** `fleet drain`: exit status 1 when the drain could not be begun, or was not over in time. */
export function runDrain(worker: string | undefined, options: DrainCommandOptions): Promise<void> {
  return reportUserErrors('drain', async () => {
    const drain = await begin(worker, options);
    console.log(`${oneLine(drain.name)} drains`);
    if (options.wait) await waitForEnd(drain, options.timeoutSeconds);
  });
}

async function begin(worker: string | undefined, options: DrainCommandOptions): Promise<Drain> {
  const { runnerUrl } = options;
  if (runnerUrl !== undefined) {
    if (worker !== undefined) throw new UserError('name a worker or a --runner-url, not both.');
    return await drainRunner(runnerUrl, options);
  }
  if (worker === undefined) {
    throw new UserError('name the worker to drain, as `fleet status` shows it, or its runner with --runner-url.');
  }
  return await drainWorker(worker, options);
}

/** By way of a router. */
async function drainWorker(worker: string, options: DrainCommandOptions): Promise<Drain> {
  const path = workerDrainPath(encodeURIComponent(worker));
  const begun = (await post(options.url, path, bearerHeaders(options.apiKey))) as WorkerDrain;
  return {
    name: begun.worker,
    async look() {
      const { workers } = await fetchFleet(options);
      const view = workers.find(({ id }) => id === begun.worker);
      return view && `${view.inFlightRequests} in flight`;
    },
  };
}

async function drainRunner(runnerUrl: string, { internalSecret }: DrainCommandOptions): Promise<Drain> {
  const begun = (await post(runnerUrl, runnerDrainPath, bearerHeaders(internalSecret))) as RunnerHealth;
  return {
    name: begun.runnerId,
    async look() {
      const health = (await callJson(`${runnerUrl}/health`).catch(() => undefined)) as RunnerHealth | undefined;
      // A runner that is gone has nothing left.
      if (health === undefined || health.status === 'drained') return undefined;
      return `until ${health.lifecycle.drainDeadline ?? 'its requests end'}, ${health.pool.activeCount} sandboxes`;
    },
  };
}

async function waitForEnd({ name, look }: Drain, timeoutSeconds: number): Promise<void> {
  const deadline = performance.now() + 1_000 * timeoutSeconds;
  for (let said = ''; ; ) {
    const left = await look();
    if (left === undefined) {
      console.log(`${oneLine(name)} has left`);
      return;
    }
    if (left !== said) console.log(`  ${oneLine(left)}`);
    said = left;
    if (performance.now() > deadline) {
      throw new UserError(`${name} still drains after ${timeoutSeconds} s (${left}). It goes on by itself.`);
    }
    await delay(pollMs);
  }
}

async function post(baseUrl: string, path: string, headers: Record<string, string>): Promise<unknown> {
  try {
    return await callJson(baseUrl + path, { method: 'POST', headers, timeoutMs: 10_000 });
  } catch (error) {
    if (!(error instanceof HttpStatusError)) throw unreachable(baseUrl, error);
    if (error.status === 401 || error.status === 403) {
      throw new UserError(
        `${baseUrl} refused the credentials (${error.status}). A router takes an admin key (FLEET_API_KEY), a runner the fleet's secret (FLEET_INTERNAL_SECRET).`,
      );
    }
    throw new UserError(messageOf(error), { cause: error });
  }
}

/** The text of a coded error, or what there is. */
function messageOf(error: HttpStatusError): string {
  try {
    return (JSON.parse(error.body) as { error: { message: string } }).error.message;
  } catch {
    return error.message;
  }
}
