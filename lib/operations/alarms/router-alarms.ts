import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { RouterConfig } from '../../config/schema.ts';
import { capacityMetric, fleetMetric, formula } from '../fleet-metrics.ts';
import type { AlarmPlan } from './alarm-plan.ts';
import { diskFullPlan } from './machine-alarms.ts';

export interface RouterAlarmOptions {
  readonly config: Pick<RouterConfig, 'count' | 'drainSeconds' | 'store'>;
  readonly groupName: string;
  /** A worker group under whose name the routers report. */
  readonly workerGroupName: string;
}

/** What may go wrong with the routers so that somebody has to look. */
export function routerAlarms({ config, groupName, workerGroupName }: RouterAlarmOptions): AlarmPlan[] {
  const plan = (name: string, rest: Omit<AlarmPlan, 'id' | 'name'>): AlarmPlan => {
    return { id: `${groupName}-${name}`, name: `${groupName}-${name}`, ...rest };
  };
  // The embedded store has one router at a time: at a deployment the next one starts after the drain of the last one.
  const drainMinutes = config.store.kind === 'embedded' ? Math.ceil(config.drainSeconds / 60) : 0;
  return [
    plan('missing-routers', {
      says: `Fewer than ${config.count} routers are in service.`,
      runbook: 'missingRouters',
      metric: formula(`${config.count} - serving`, { serving: capacityMetric(groupName, 'GroupInServiceInstances') }),
      above: 0,
      periods: 10 + drainMinutes,
      silence: 'says-nothing',
    }),
    plan('silent-routers', {
      says: 'No router reports: clients get no answer.',
      runbook: 'silentRouters',
      // Each router reports every ten seconds, whether it is busy or not.
      metric: formula('1 - reports', { reports: fleetMetric(workerGroupName, 'HeldRequests', Stats.SAMPLE_COUNT) }),
      above: 0,
      periods: 10,
      silence: 'is-wrong',
    }),
    plan('silent-machines', {
      says: 'A router is in service and its CloudWatch agent is down: its logs and metrics are missing.',
      runbook: 'silentMachines',
      metric: formula('serving - FILL(memory, 0)', {
        serving: capacityMetric(groupName, 'GroupInServiceInstances'),
        memory: fleetMetric(groupName, 'mem_used_percent', Stats.SAMPLE_COUNT),
      }),
      above: 0.5,
      periods: 15,
      silence: 'is-wrong',
    }),
    diskFullPlan(groupName),
  ];
}
