import { Duration } from 'aws-cdk-lib';
import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { FleetConfig, WorkerGroupConfig } from '../../config/schema.ts';
import { capacityMetric, fleetMetric, formula, reportSeconds } from '../fleet-metrics.ts';
import type { AlarmPlan } from './alarm-plan.ts';
import { diskFullPlan } from './machine-alarms.ts';

export interface WorkerAlarmOptions {
  readonly alarms: FleetConfig['alarms'];
  readonly group: Pick<WorkerGroupConfig, 'name' | 'min' | 'startMinutes'>;
  readonly groupName: string;
}

/** What may go wrong with the workers of a group so that somebody has to look. */
export function workerAlarms({ alarms, group, groupName }: WorkerAlarmOptions): AlarmPlan[] {
  const plan = (name: string, rest: Omit<AlarmPlan, 'id' | 'name'>): AlarmPlan => {
    return { id: `${groupName}-${name}`, name: `${groupName}-${name}`, ...rest };
  };
  // At zero the first requests wait for a whole start, which is no fault.
  const startMinutes = group.min === 0 ? group.startMinutes : 0;
  return [
    plan('no-ready-worker', {
      says: `Requests wait and no worker of ${group.name} is ready.`,
      runbook: 'noReadyWorker',
      metric: fleetMetric(groupName, 'HeldRequests', Stats.MAXIMUM),
      above: 0,
      periods: startMinutes + alarms.noWorkerMinutes,
      // Routers report zeros too; their silence has an alarm of its own.
      silence: 'is-fine',
    }),
    plan('slow-first-token', {
      says: `One in twenty clients of ${group.name} waits longer than ${alarms.firstTokenSeconds} s for its first token.`,
      runbook: 'slowFirstToken',
      metric: fleetMetric(groupName, 'ClientTimeToFirstToken', 'p95'),
      above: alarms.firstTokenSeconds,
      periods: 5,
      // Nobody asked.
      silence: 'is-fine',
    }),
    plan('missing-workers', {
      says: `${group.name} wants more machines than EC2 starts.`,
      runbook: 'missingWorkers',
      // Machines that load their model are pending: they are on their way, however long it takes.
      metric: formula('desired - serving - pending', {
        desired: capacityMetric(groupName, 'GroupDesiredCapacity'),
        serving: capacityMetric(groupName, 'GroupInServiceInstances'),
        pending: capacityMetric(groupName, 'GroupPendingInstances'),
      }),
      above: 0,
      periods: 15,
      // EC2 Auto Scaling counts every minute: a gap is its own.
      silence: 'says-nothing',
    }),
    plan('rejected-requests', {
      says: `Clients of ${group.name} are refused for want of capacity.`,
      runbook: 'rejectedRequests',
      metric: fleetMetric(groupName, 'RejectedRequests', Stats.SUM),
      above: 0,
      periods: 3,
      silence: 'is-fine',
    }),
    plan('engines-crash', {
      says: `Engines of ${group.name} started anew more than twice within half an hour.`,
      runbook: 'enginesCrash',
      metric: fleetMetric(groupName, 'EngineRestarts', Stats.SUM, { period: Duration.minutes(30) }),
      above: 2,
      periods: 1,
      // Reported only when there was one.
      silence: 'is-fine',
    }),
    plan('silent-machines', {
      says: `A worker of ${group.name} is in service and reports nothing: its log monitor or its CloudWatch agent is down.`,
      runbook: 'silentMachines',
      // One memory reading of the agent a minute, and one utilisation of the log monitor in ten seconds, from each.
      metric: formula(
        `serving - IF(FILL(memory, 0) < FILL(load, 0) * ${reportSeconds} / 60, FILL(memory, 0), FILL(load, 0) * ${reportSeconds} / 60)`,
        {
          serving: capacityMetric(groupName, 'GroupInServiceInstances'),
          memory: fleetMetric(groupName, 'mem_used_percent', Stats.SAMPLE_COUNT),
          load: fleetMetric(groupName, 'Utilization', Stats.SAMPLE_COUNT),
        },
      ),
      // Less than one machine: reports near the end of a minute may count in the next one.
      above: 0.5,
      periods: 15,
      // Nothing at all is what silence looks like, unless the group may be empty.
      silence: group.min === 0 ? 'says-nothing' : 'is-wrong',
    }),
    diskFullPlan(groupName),
  ];
}
