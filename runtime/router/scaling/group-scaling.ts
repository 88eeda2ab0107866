import { realClock } from '../../shared/clock.ts';
import { createMetricSink } from '../../shared/cloudwatch/create-sink.ts';
import type { Logger } from '../../shared/log.ts';
import type { RouterConfig } from '../config.ts';
import { createDiscoveryClients } from '../coordinator/discovery-clients.ts';
import type { Registry } from '../coordinator/registry.ts';
import type { RouterMetrics } from '../metrics.ts';
import { usualRetrySeconds } from './retry-after.ts';
import { type Held, ScaleFromZero } from './scale-from-zero.ts';
import { TrafficPublisher } from './traffic-publisher.ts';
import { autoScalingGroup, type WorkerGroup } from './worker-group.ts';

const publishIntervalMs = 10_000;

export interface GroupScalingParts {
  /** Names this router among those that speak of the same group. */
  readonly routerId: string;
  readonly registry: Registry;
  readonly metrics: RouterMetrics;
  readonly log: Logger;
}

/** What the relay tells of requests that wait for a worker. */
export interface HeldRequests extends Held {
  /** Most that waited at one time since the last call. */
  takePeak(): number;
}

/** @returns one for each worker group, in their order. @throws when there is none and metrics are to be published */
export function openGroupScaling(config: RouterConfig, parts: GroupScalingParts): readonly GroupScaling[] {
  const { workerGroups, publish = 'none' } = config;
  if (workerGroups.length === 0 && publish !== 'none') {
    throw new Error(`--publish ${publish} needs --asg: metrics are published under the name of the worker group.`);
  }
  return workerGroups.map((_, place) => new GroupScaling(place, config, parts));
}

/** What a router does for one worker group beside routing: tells CloudWatch of the demand, and raises it from zero. */
export class GroupScaling {
  readonly #place: number;
  readonly #groupName: string;
  readonly #config: RouterConfig;
  readonly #parts: GroupScalingParts;
  readonly #group: WorkerGroup;
  readonly #stop = new AbortController();
  #scaler: ScaleFromZero | undefined;
  #running: Promise<void> | undefined;
  #publisher: TrafficPublisher | undefined;

  /** @param place of the group in the config */
  constructor(place: number, config: RouterConfig, parts: GroupScalingParts) {
    const { groupName } = config.workerGroups[place]!;
    this.#place = place;
    this.#groupName = groupName;
    this.#config = config;
    this.#parts = parts;
    const { region } = config;
    this.#group = autoScalingGroup(groupName, async () => (await createDiscoveryClients({ region })).autoScaling);
  }

  /** When a client that found no ready worker should come back. */
  retryAfterSeconds(): number {
    return this.#scaler?.retryAfterSeconds() ?? usualRetrySeconds;
  }

  start(held: HeldRequests): void {
    const { metrics, log } = this.#parts;
    const { startWorkers, timeScale } = this.#config;
    this.#scaler = new ScaleFromZero({
      ...{ held, startWorkers, log, timeScale },
      group: this.#group,
      groupName: this.#groupName,
      readyWorkers: () => this.#readyWorkers(),
      onRaise: (outcome) => metrics.groupRaised(this.#place, outcome),
      clock: realClock(timeScale),
    });
    this.#running = this.#scaler.run(this.#stop.signal);
    this.#publisher = this.#openPublisher(held);
  }

  /** Ends the decisions, then sends what was counted since the last report. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.#group.close();
    await this.#publisher?.close();
  }

  /** Workers that can answer what the group is for, wherever they come from. */
  #readyWorkers(): number {
    const { ready } = this.#parts.registry;
    const { workerGroups } = this.#config;
    const { model } = workerGroups[this.#place]!;
    if (workerGroups.length === 1 || model === undefined) return ready.length;
    return ready.filter((worker) => worker.serves(model)).length;
  }

  #openPublisher(held: HeldRequests): TrafficPublisher | undefined {
    const { publish, metricNamespace: namespace, region, emfFile, timeScale } = this.#config;
    if (publish === 'none') return undefined;
    const { metrics, routerId, log } = this.#parts;
    return new TrafficPublisher({
      traffic: metrics.traffic(this.#place),
      takeHeldPeak: () => held.takePeak(),
      sink: createMetricSink({ publish, namespace, region, emfFile, log }),
      groupName: this.#groupName,
      routerId,
      intervalMs: publishIntervalMs / timeScale,
    });
  }
}
