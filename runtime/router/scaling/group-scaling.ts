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

/** @returns undefined when the router follows no Auto Scaling group; throws when it is to publish metrics all the same */
export function openGroupScaling(config: RouterConfig, parts: GroupScalingParts): GroupScaling | undefined {
  const { asg, publish = 'none' } = config;
  if (asg !== undefined) return new GroupScaling(asg, config, parts);
  if (publish === 'none') return undefined;
  throw new Error(`--publish ${publish} needs --asg: metrics are published under the name of the worker group.`);
}

/** What a router does for its worker group beside routing: tells CloudWatch of the demand, and raises it from zero. */
export class GroupScaling {
  readonly #groupName: string;
  readonly #config: RouterConfig;
  readonly #parts: GroupScalingParts;
  readonly #group: WorkerGroup;
  readonly #stop = new AbortController();
  #scaler: ScaleFromZero | undefined;
  #running: Promise<void> | undefined;
  #publisher: TrafficPublisher | undefined;

  constructor(groupName: string, config: RouterConfig, parts: GroupScalingParts) {
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
    const { registry, metrics, log } = this.#parts;
    const { startWorkers, timeScale } = this.#config;
    this.#scaler = new ScaleFromZero({
      ...{ held, startWorkers, log, timeScale },
      group: this.#group,
      groupName: this.#groupName,
      readyWorkers: () => registry.ready.length,
      onRaise: (outcome) => metrics.groupRaised(outcome),
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

  #openPublisher(held: HeldRequests): TrafficPublisher | undefined {
    const { publish, metricNamespace: namespace, region, emfFile, timeScale } = this.#config;
    if (publish === 'none') return undefined;
    const { metrics, routerId, log } = this.#parts;
    return new TrafficPublisher({
      traffic: metrics.traffic,
      takeHeldPeak: () => held.takePeak(),
      sink: createMetricSink({ publish, namespace, region, emfFile, log }),
      groupName: this.#groupName,
      routerId,
      intervalMs: publishIntervalMs / timeScale,
    });
  }
}
