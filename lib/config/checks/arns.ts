import { type Finding, type FleetCheck, workerGroups } from '../finding.ts';

/** What the fleet uses of other stacks is in its region and, when its account is pinned, in that account. */
export const checkArns: FleetCheck = (fleet) => {
  const { routers, alarms, region, account } = fleet;
  const arns: [path: Finding['path'], arn: string | undefined][] = [
    [['routers', 'loadBalancer', 'certificateArn'], routers.loadBalancer.certificateArn],
    [['routers', 'apiKeysSecretArn'], routers.apiKeysSecretArn],
    [['alarms', 'topicArn'], alarms.topicArn],
    ...workerGroups(fleet).map(({ group, at }): [Finding['path'], string | undefined] => [
      at('weights', 'tokenSecretArn'),
      group.weights.tokenSecretArn,
    ]),
  ];
  return arns.flatMap(([path, arn]): Finding[] => {
    if (arn === undefined) return [];
    const [, , , itsRegion, itsAccount] = arn.split(':');
    if (itsRegion !== region)
      return [{ path, advice: `it is in ${itsRegion} and the fleet in ${region}: use one in its region` }];
    if (account === undefined || itsAccount === account) return [];
    return [{ path, advice: `it belongs to ${itsAccount} and the fleet to ${account}`, isWarning: true }];
  });
};
