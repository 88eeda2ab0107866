import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { fleetMetric } from '../fleet-metrics.ts';
import type { AlarmPlan } from './alarm-plan.ts';

/** Above it logs and weights have little room left. In percent. */
const fullDisk = 90;

/** A root disk of a group's machines that fills up. */
export function diskFullPlan(groupName: string): AlarmPlan {
  return {
    id: `${groupName}-disk-full`,
    name: `${groupName}-disk-full`,
    says: `The root disk of a machine of ${groupName} is more than ${fullDisk} % full.`,
    runbook: 'diskFull',
    metric: fleetMetric(groupName, 'disk_used_percent', Stats.MAXIMUM),
    above: fullDisk,
    periods: 5,
    // Without machines there is no disk; silent machines have an alarm of their own.
    silence: 'is-fine',
  };
}
