import type { AutoScalingClient } from '@aws-sdk/client-auto-scaling';

/** The SDK's module for Auto Scaling with a client of it. */
export interface AutoScaling {
  readonly sdk: typeof import('@aws-sdk/client-auto-scaling');
  readonly client: AutoScalingClient;
}

/** Of one attempt, in ms. */
const connectionTimeoutMs = 2_000;
const requestTimeoutMs = 5_000;
/** The SDK waits up to 0.1, 0.2 and 0.4 s between them, for a throttled call up to 0.5, 1 and 2 s. */
const maxAttempts = 4;

/**
 * Auto Scaling for one instance. The SDK is imported at the first use: a runner off AWS never loads it. Endpoint and
 * credentials come from the environment or the instance role, as with every AWS tool.
 */
export class LazyAutoScaling {
  readonly #region: string | undefined;
  #opened: Promise<AutoScaling> | undefined;

  /** @param region default: as the environment says */
  constructor(region: string | undefined) {
    this.#region = region;
  }

  open(): Promise<AutoScaling> {
    this.#opened ??= this.#load();
    return this.#opened;
  }

  close(): void {
    void this.#opened?.then(({ client }) => client.destroy());
  }

  async #load(): Promise<AutoScaling> {
    const sdk = await import('@aws-sdk/client-auto-scaling');
    const client = new sdk.AutoScalingClient({
      ...(this.#region !== undefined && { region: this.#region }),
      maxAttempts,
      // Without the last one the SDK logs a request past its time, and goes on waiting.
      requestHandler: {
        connectionTimeout: connectionTimeoutMs,
        requestTimeout: requestTimeoutMs,
        throwOnRequestTimeout: true,
      },
    });
    return { sdk, client };
  }
}
