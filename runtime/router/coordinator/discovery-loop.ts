import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs } from '../../shared/backoff.ts';
import { describeError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import { discoveryIntervalMs } from '../../shared/protocol.ts';
import type { DiscoveredInstance } from './discovery.ts';

export interface DiscoveryLoopOptions {
  /** One look at the group, usually `discoverInstances` with its clients and group name. */
  readonly discover: (signal: AbortSignal) => Promise<DiscoveredInstance[]>;
  /** Receives the whole list after each successful look. After a failed one nothing is called: the fleet stays as it was. */
  readonly onInstances: (instances: readonly DiscoveredInstance[]) => void;
  readonly log: Logger;
  /** Ends the loop. */
  readonly signal: AbortSignal;
  /** Divides every wait: tests and benchmarks only. @default 1 */
  readonly timeScale?: number;
}

/** After failures in a row, in seconds; a throttled account is asked less and less. */
const failureBackoffSeconds: readonly number[] = [15, 30, 60, 120];
/** For one look with all its pages and the clients' own retries, in ms. */
const lookTimeoutMs = 30_000;

/**
 * Looks at the group until `signal` aborts, at once and then every 15 s; then resolves. Never rejects.
 * A streak of failures is logged when it starts and when it is over.
 */
export async function runDiscoveryLoop(options: DiscoveryLoopOptions): Promise<void> {
  const { log, signal, timeScale = 1 } = options;
  let failures = 0;
  while (!signal.aborted) {
    let waitMs = discoveryIntervalMs;
    try {
      const instances = await options.discover(AbortSignal.any([signal, AbortSignal.timeout(lookTimeoutMs)]));
      if (signal.aborted) return;
      if (failures > 0) log.info('discovery works again', { failures, instances: instances.length });
      failures = 0;
      options.onInstances(instances);
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      waitMs = backoffMs(failureBackoffSeconds, failures);
      const fields = { error, detail: describeError(error), failures, nextLookInSeconds: waitMs / 1_000 };
      if (failures === 1) log.warn('discovery failed, keeping the known fleet', fields);
      else log.debug('discovery still fails', fields);
    }
    await delay(waitMs / timeScale, undefined, { signal }).catch(() => {});
  }
}
