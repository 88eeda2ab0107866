import { fleetNames } from '../../names.ts';
import { type Finding, type FleetCheck, workerGroups } from '../finding.ts';

/** Longest names that AWS takes. Service quotas of CloudFormation, Auto Scaling, CloudWatch Logs, CloudWatch, ELB. */
const longest = { stack: 128, autoScalingGroup: 255, logGroup: 512, dashboard: 255, loadBalancer: 32 } as const;

/** Groups have different names, and the names that are made from them are not too long. */
export const checkNames: FleetCheck = (fleet) => {
  const names = fleetNames(fleet);
  const tooLong = (kind: keyof typeof longest, name: string, path: Finding['path']): Finding[] => {
    const excess = name.length - longest[kind];
    if (excess <= 0) return [];
    const advice = `makes the name ${name}, of which AWS takes ${longest[kind]} characters: shorten it by ${excess}`;
    return [{ path, advice }];
  };
  const seen = new Set<string>();
  return [
    ...tooLong('dashboard', names.dashboard, ['name']),
    ...tooLong('loadBalancer', names.routerGroup, ['name']),
    ...workerGroups(fleet).flatMap(({ group: { name, schedules }, at }) => {
      const findings = [
        ...(seen.has(name) ? [{ path: at('name'), advice: 'another group has this name' }] : []),
        ...tooLong('stack', names.stack(`workers-${name}`), at('name')),
        ...tooLong('autoScalingGroup', names.workerGroup(name), at('name')),
        ...tooLong('logGroup', names.workerLogs(name), at('name')),
        ...schedules.flatMap((schedule, index) =>
          schedules.findIndex((other) => other.name === schedule.name) < index
            ? [{ path: at('schedules', index, 'name'), advice: 'another schedule of the group has this name' }]
            : [],
        ),
      ];
      seen.add(name);
      return findings;
    }),
  ];
};
