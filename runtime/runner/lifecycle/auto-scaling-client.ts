import type { AutoScalingClient } from '@aws-sdk/client-auto-scaling';

/** The SDK's module for Auto Scaling with a client of it. */
export interface AutoScaling {
  readonly sdk: typeof import('@aws-sdk/client-auto-scaling');
  readonly client: AutoScalingClient;
}

export interface LazyAutoScalingOptions {
  /** @default - as the environment says */
  readonly region?: string | undefined;
  /** Of one attempt, in ms. @default 5000 */
  readonly requestTimeoutMs?: number;
}

/** Of one attempt, in ms. */
const connectionTimeoutMs = 2_000;
/** The SDK waits up to 0.1, 0.2 and 0.4 s between them, for a throttled call up to 0.5, 1 and 2 s. */
const maxAttempts = 4;

/**
 * Auto Scaling for one instance. The SDK is imported at the first use: a runner off AWS never loads it. Endpoint and
 * credentials come from the environment or the instance role, as with every AWS tool.
 */
export class LazyAutoScaling {
  readonly #options: LazyAutoScalingOptions;
  #opened: Promise<AutoScaling> | undefined;

  constructor(options: LazyAutoScalingOptions) {
    this.#options = options;
  }

  /** Loads the SDK now, which takes 0.2 s and more on a busy machine: not when an instance waits to be let go. */
  prepare(): void {
    // A failure comes back at the next `open`.
    this.open().catch(() => {});
  }

  open(): Promise<AutoScaling> {
    this.#opened ??= this.#load();
    return this.#opened;
  }

  close(): void {
    this.#opened?.then(({ client }) => client.destroy()).catch(() => {});
  }

  async #load(): Promise<AutoScaling> {
    const sdk = await import('@aws-sdk/client-auto-scaling');
    const { region, requestTimeoutMs = 5_000 } = this.#options;
    const client = new sdk.AutoScalingClient({
      ...(region !== undefined && { region }),
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
