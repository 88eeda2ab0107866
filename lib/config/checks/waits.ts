import { type Finding, type FleetCheck, workerGroups } from '../finding.ts';

/** A Network Load Balancer forgets a silent connection with TLS after this time, which cannot be changed. */
const networkTlsIdleSeconds = 350;

/**
 * Requests that wait for a worker are not cut while they wait, and wait long enough.
 */
export const checkWaits: FleetCheck = (fleet) => {
  const { loadBalancer, holdSeconds } = fleet.routers;
  const findings: Finding[] = [];
  const hasTls = loadBalancer.kind === 'network' && loadBalancer.certificateArn !== undefined;
  if (hasTls && holdSeconds > networkTlsIdleSeconds) {
    const advice =
      `a network load balancer with TLS cuts a request that is silent for ${networkTlsIdleSeconds} s: ` +
      'only streams, which the router keeps alive, can wait longer';
    findings.push({ path: ['routers', 'holdSeconds'], advice, isWarning: true });
  }
  for (const { group, at } of workerGroups(fleet)) {
    const startSeconds = group.startMinutes * 60;
    if (group.min === 0 && holdSeconds < startSeconds) {
      const advice =
        `with min 0 the first request waits for a worker, which may take startMinutes, ${startSeconds} s, ` +
        `but routers hold it for ${holdSeconds} s`;
      findings.push({ path: at('min'), advice, isWarning: true });
    }
  }
  return findings;
};
