import { Duration } from 'aws-cdk-lib';
import { type IWidget, Stats, TextWidget } from 'aws-cdk-lib/aws-cloudwatch';
import { priceDate, priceRegion } from '../../data/prices.ts';
import { capacityMetric, type FleetMetricName, fleetMetric, formula } from '../fleet-metrics.ts';
import type { DashboardGroup } from './dashboard-group.ts';
import { fromZero, graph } from './graph.ts';

export interface CostRowOptions {
  readonly groups: readonly DashboardGroup[];
  readonly routerGroupName: string;
  /** Of one router in US dollars; undefined when the price is not known. */
  readonly routerHourlyUsd: number | undefined;
}

/** Long enough for prices of tokens not to jump with every request. */
const period = Duration.minutes(15);

/** What the machines cost by their list prices, and what a token comes to. An estimate: the bill is what counts. */
export function costRow({ groups, routerGroupName, routerHourlyUsd }: CostRowOptions): IWidget[] {
  const priced = groups.filter((group) => group.hourlyUsd !== undefined);
  const machines = [
    ...priced.map(({ name, groupName, hourlyUsd }, index) => ({ id: `workers${index}`, name, groupName, hourlyUsd })),
    { id: 'routers', name: 'routers', groupName: routerGroupName, hourlyUsd: routerHourlyUsd ?? 0 },
  ];
  const inService = () =>
    Object.fromEntries(
      machines.map(({ id, groupName }) => [id, capacityMetric(groupName, 'GroupInServiceInstances', { period })]),
    );
  const hourly = machines.map(({ id, hourlyUsd }) => `FILL(${id}, 0) * ${hourlyUsd}`).join(' + ');
  const tokens = (what: string, ...names: FleetMetricName[]) => {
    const counted = priced.flatMap(({ groupName }, index) =>
      names.map((name) => [`${what}${index}${name}`, fleetMetric(groupName, name, Stats.SUM, { period })] as const),
    );
    const sum = counted.map(([id]) => `FILL(${id}, 0)`).join(' + ');
    return { metrics: Object.fromEntries(counted), perHour: `((${sum}) * 3600 / PERIOD(routers))` };
  };
  const perMillion = (title: string, label: string, { metrics, perHour }: ReturnType<typeof tokens>) =>
    graph(
      title,
      // Without a token there is no price of one.
      [formula(`(${hourly}) * 1000000 / ${perHour}`, { ...inService(), ...metrics }, { label, period })],
      { leftYAxis: fromZero, width: 6 },
    );
  const unpriced = groups.filter((group) => group.hourlyUsd === undefined).map(({ name }) => name);
  return [
    graph(
      'Machines, $/h',
      machines.map(({ id, name, groupName, hourlyUsd }) =>
        formula(
          `FILL(${id}, 0) * ${hourlyUsd}`,
          { [id]: capacityMetric(groupName, 'GroupInServiceInstances', { period }) },
          { label: name, period },
        ),
      ),
      { leftYAxis: fromZero, stacked: true, width: 6 },
    ),
    ...(priced.length === 0
      ? []
      : [
          perMillion('$ per million generated tokens', 'generated', tokens('out', 'GenerationTokens')),
          perMillion(
            '$ per million tokens, prompts included',
            'all',
            tokens('all', 'GenerationTokens', 'PrefillTokens', 'CachedTokens'),
          ),
        ]),
    new TextWidget({ markdown: priceNotes(unpriced), width: 6, height: 6 }),
  ];
}

function priceNotes(unpriced: readonly string[]): string {
  return [
    '**How the cost is estimated**',
    '',
    `Machines in service times the list price on demand of the first instance type of their group, in ${priceRegion} on ${priceDate}.`,
    'Spot and reservations cost less; other regions, warming machines, disks, network, load balancer and database come on top.',
    ...(unpriced.length === 0 ? [] : ['', `No price is known for the workers of ${unpriced.join(', ')}.`]),
  ].join('\n');
}
