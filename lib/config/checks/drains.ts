import { type Finding, type FleetCheck, workerGroups } from '../finding.ts';

/**
 * What leaves by plan (a deployment, fewer workers, an operator's drain) ends what it has begun. Also where workers are
 * Spot: their notice leaves two minutes whatever the file says, but most leave for another reason. Above, the schema is the
 * limit: it keeps a worker's drain below the 7,200 s of a lifecycle hook, and a router's below the 3,600 s of a target group.
 */
export const checkDrains: FleetCheck = (fleet) => {
  const { generationSeconds, drainSeconds } = fleet.routers;
  const findings: Finding[] = [];
  const check = (seconds: number, path: (string | number)[], what: string) => {
    if (seconds > generationSeconds) return;
    const advice =
      `a generation may take routers.generationSeconds, ${generationSeconds} s, and ${what} that leaves would cut it ` +
      `after ${seconds} s: drain longer, or let generations be shorter`;
    findings.push({ path, advice });
  };
  check(drainSeconds, ['routers', 'drainSeconds'], 'a router');
  for (const { group, at } of workerGroups(fleet)) check(group.drainSeconds, at('drainSeconds'), 'a worker');
  for (const [index, { turnTimeoutSeconds = 0 }] of fleet.agents.entries()) {
    if (turnTimeoutSeconds <= generationSeconds) continue;
    const advice = `routers end a turn after routers.generationSeconds, ${generationSeconds} s`;
    findings.push({ path: ['agents', index, 'turnTimeoutSeconds'], advice, isWarning: true });
  }
  return findings;
};
