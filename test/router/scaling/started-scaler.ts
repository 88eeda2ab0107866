import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { ScaleFromZero, type ScaleFromZeroParts } from '../../../runtime/router/scaling/scale-from-zero.ts';
import { autoScalingGroup } from '../../../runtime/router/scaling/worker-group.ts';
import { realClock } from '../../../runtime/shared/clock.ts';
import { createLogger } from '../../../runtime/shared/log.ts';
import type { FakeCloud } from '../../support/cloud/fake-cloud.ts';

export const groupName = 'fleet-workers';
/** 120 s of cool-down last 1.2 s. */
const timeScale = 100;

/** The decisions of one router with the real AWS client, over relay and registry that the test plays. */
export class StartedScaler implements AsyncDisposable {
  readonly held = { size: 0, entered: 0 };
  readyWorkers = 0;
  readonly outcomes: string[] = [];
  readonly logged: { readonly level: string; readonly msg: string; readonly [field: string]: unknown }[] = [];
  /** Decisions so far. */
  ticks = 0;
  readonly scaler: ScaleFromZero;
  readonly client: AutoScalingClient;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  static async start(cloud: FakeCloud, parts: Partial<ScaleFromZeroParts> = {}): Promise<StartedScaler> {
    const machine = await cloud.launch({ group: null });
    return new StartedScaler(clientOf(cloud, machine.metadata.items), parts);
  }

  private constructor(client: AutoScalingClient, parts: Partial<ScaleFromZeroParts>) {
    this.client = client;
    this.scaler = new ScaleFromZero({
      group: autoScalingGroup(groupName, async () => client),
      groupName,
      held: this.held,
      readyWorkers: () => {
        this.ticks++;
        return this.readyWorkers;
      },
      startWorkers: 1,
      onRaise: (outcome) => this.outcomes.push(outcome),
      log: createLogger({ service: 'test', level: 'debug', write: (line) => this.logged.push(JSON.parse(line)) }),
      clock: realClock(timeScale),
      timeScale,
      ...parts,
    });
    this.#running = this.scaler.run(this.#stop.signal);
  }

  hold(requests: number): void {
    this.held.size = requests;
    this.held.entered += requests;
  }

  linesOf(level: string) {
    return this.logged.filter((line) => line.level === level);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.client.destroy();
  }
}

function clientOf(cloud: FakeCloud, metadata: ReadonlyMap<string, string>): AutoScalingClient {
  const role = JSON.parse(metadata.get('iam/security-credentials/fleet-worker')!) as Record<string, string>;
  return new AutoScalingClient({
    endpoint: cloud.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: role['AccessKeyId']!, secretAccessKey: role['SecretAccessKey']! },
    // What is tested is what happens when the client's own retries are used up.
    maxAttempts: 1,
  });
}
