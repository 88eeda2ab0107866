import { hourlyPriceUsd, priceDate, priceRegion } from '../../data/prices.ts';
import type { FleetCheck } from '../finding.ts';

const hoursPerMonth = 730;

/** The budget is not spent by the machines that are always there. */
export const checkBudget: FleetCheck = ({ budget, routers, workers }) => {
  if (budget === undefined) return [];
  const always = [
    { count: routers.count, type: routers.instanceType },
    ...workers.map((group) => ({ count: group.min, type: group.instanceTypes[0]! })),
  ];
  const monthlyUsd = always.reduce(
    (sum, { count, type }) => sum + count * (hourlyPriceUsd(type) ?? 0) * hoursPerMonth,
    0,
  );
  if (monthlyUsd <= budget.monthlyUsd) return [];
  const advice =
    `the machines that are always there cost ${Math.round(monthlyUsd).toLocaleString('en-US')} USD a month ` +
    `(list price in ${priceRegion} on ${priceDate})`;
  return [{ path: ['budget', 'monthlyUsd'], advice, isWarning: true }];
};
