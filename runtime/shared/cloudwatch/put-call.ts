import type { PutMetricDataInput } from '@aws-sdk/client-cloudwatch';
import { readRegion } from '../imds.ts';

/** Carries one request to CloudWatch. Rejects with whatever went wrong, at the latest soon after `signal` aborts. */
export interface PutCall {
  send(request: PutMetricDataInput, signal: AbortSignal): Promise<void>;
  close(): void;
}

export interface PutCallOptions {
  readonly region?: string | undefined;
  readonly endpoint?: string | undefined;
  /** Asked when no region is given. @default - the instance metadata */
  readonly findRegion?: () => Promise<string | undefined>;
}

type Client = import('@aws-sdk/client-cloudwatch').CloudWatchClient;

/**
 * `PutMetricData` by the AWS SDK, which is loaded at the first call; large bodies it compresses. A region that is not
 * given is looked for at each call until it is found, since the metadata service may be late at boot.
 */
export function sdkPutCall({ region, endpoint, findRegion = readRegion }: PutCallOptions): PutCall {
  let client: Client | undefined;
  let isClosed = false;
  const open = async () => {
    if (client) return client;
    const found = region ?? (await findRegion());
    if (found === undefined) throw new Error('No AWS region: set AWS_REGION, for example to us-east-1.');
    const { CloudWatchClient } = await import('@aws-sdk/client-cloudwatch');
    // Attempts and their waits are the caller's business.
    client ??= new CloudWatchClient({ region: found, maxAttempts: 1, ...(endpoint !== undefined && { endpoint }) });
    if (isClosed) client.destroy();
    return client;
  };
  return {
    async send(request, signal) {
      const opened = await open();
      const { PutMetricDataCommand } = await import('@aws-sdk/client-cloudwatch');
      await opened.send(new PutMetricDataCommand(request), { abortSignal: signal });
    },
    close() {
      isClosed = true;
      client?.destroy();
    },
  };
}
