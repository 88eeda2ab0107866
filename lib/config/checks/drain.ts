import { type Finding, type FleetCheck, workerGroups } from '../finding.ts';

/** Longest heartbeat time-out of a lifecycle hook, in seconds. */
const longestHookSeconds = 7_200;
/** What a worker needs after its drain, to stop the engine and to hand over. */
const afterDrainSeconds = 120;
/** A Network Load Balancer forgets a silent connection with TLS after this time, which cannot be changed. */
const networkTlsIdleSeconds = 350;
/** Longest time that an Application Load Balancer waits for a silent target. */
const applicationIdleSeconds = 4_000;

/** Waits and drains are shorter than what AWS waits for them. */
export const checkDrain: FleetCheck = (fleet) => {
  const { loadBalancer, holdSeconds } = fleet.routers;
  const findings: Finding[] = [];
  const hold = (advice: string) => findings.push({ path: ['routers', 'holdSeconds'], advice, isWarning: true });
  if (
    loadBalancer.kind === 'network' &&
    loadBalancer.certificateArn !== undefined &&
    holdSeconds > networkTlsIdleSeconds
  ) {
    hold(
      `a network load balancer with TLS cuts a request without a byte for ${networkTlsIdleSeconds} s: ` +
        'only streams wait longer, since the router keeps them alive; application waits for others as well',
    );
  }
  if (loadBalancer.kind === 'application' && holdSeconds > applicationIdleSeconds) {
    hold(`an application load balancer waits at most ${applicationIdleSeconds} s`);
  }
  for (const { group, at } of workerGroups(fleet)) {
    const most = longestHookSeconds - afterDrainSeconds;
    if (group.drainSeconds > most) {
      const advice = `a lifecycle hook waits ${longestHookSeconds} s, of which stopping takes ${afterDrainSeconds}: at most ${most}`;
      findings.push({ path: at('drainSeconds'), advice });
    }
    if (group.min === 0 && holdSeconds < group.startMinutes * 60) {
      const advice =
        `with min 0 the first request waits for a worker, which may take startMinutes, ${group.startMinutes * 60} s, ` +
        `but routers hold it for ${holdSeconds} s`;
      findings.push({ path: at('min'), advice, isWarning: true });
    }
  }
  return findings;
};
