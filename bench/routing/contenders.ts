import type { PolicyName } from '../../runtime/router/policy/policies.ts';
import { nodeCommand } from '../../runtime/shared/process/owned-process.ts';
import { fleetRouter } from '../peers/fleet-router.ts';
import type { Peer } from '../peers/peer.ts';
import { sglangRouter } from '../peers/sglang-router.ts';

/** sglang-router looks for entries to evict every so many seconds by default; engines that run faster need it sooner. */
const evictionIntervalSeconds = 60;

/** Our router with one of its policies. */
export function fleetWith(policy: PolicyName, timeScale: number): Peer {
  return withArguments(fleetRouter, `ours, ${policy}`, ['--policy', policy, '--time-scale', String(timeScale)]);
}

/** The yardstick, which is not a policy of ours: it has its own books and a bare relay. */
export function prototype(timeScale: number): Peer {
  return {
    name: 'prototype',
    version: () => '',
    command: ({ port, engineUrls }) =>
      nodeCommand(new URL('prototype/main.ts', import.meta.url).pathname, [
        String(port),
        String(timeScale),
        ...engineUrls,
      ]),
  };
}

/**
 * sglang-router with its defaults, and with the tuning that did best over the workloads: of 72 combinations of the three
 * thresholds, tried offline with the same rule (geometric mean of the mean first-token times).
 */
export function sglangRouters(timeScale: number): Peer[] {
  const interval = Math.max(1, Math.round(evictionIntervalSeconds / timeScale));
  const scaled = ['--eviction-interval-secs', String(interval)];
  const best = ['--cache-threshold', '0.5', '--balance-abs-threshold', '16', '--balance-rel-threshold', '1.2'];
  return [
    withArguments(sglangRouter, 'sglang-router, cache_aware', scaled),
    withArguments(sglangRouter, 'sglang-router, tuned', [...scaled, ...best]),
  ];
}

function withArguments(peer: Peer, name: string, extra: readonly string[]): Peer {
  return {
    name,
    version: () => peer.version(),
    command(place) {
      const command = peer.command(place);
      return { ...command, args: [...command.args, ...extra] };
    },
  };
}
