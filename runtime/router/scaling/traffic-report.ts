import type { Metric, MetricReport, MetricUnit } from '../../shared/cloudwatch/metric-report.ts';
import type { Distribution } from './bucket-counts.ts';
import type { TrafficInterval } from './traffic.ts';

export interface TrafficReportFacts {
  readonly interval: TrafficInterval;
  /** Most requests that were held for a ready worker at one time. */
  readonly heldRequests: number;
  /** Worker group that the router serves. */
  readonly groupName: string;
  readonly routerId: string;
  /** Middle of the interval, ms since the epoch. */
  readonly atMs: number;
}

/**
 * One router's interval for CloudWatch. The group's name is the only dimension, so the reports of several routers meet in
 * one metric: counts add up in its `Sum`, and percentiles are those of all requests together. `HeldRequests` is a level, of
 * which a router says one value an interval: its `Sum` by the number of intervals in the period is the fleet's mean. Which
 * router said it is a property.
 */
export function trafficReport(facts: TrafficReportFacts): MetricReport {
  const { interval, heldRequests, groupName, routerId, atMs } = facts;
  return {
    atMs,
    dimensions: { AutoScalingGroupName: groupName },
    metrics: [
      // Zeros too: an alarm on silence means that no router is there.
      count('HeldRequests', heldRequests),
      count('RejectedRequests', interval.refusals),
      ...(interval.raises > 0 ? [count('GroupRaises', interval.raises)] : []),
      ...distribution('QueueTime', 'Seconds', interval.queueSeconds),
      // Not `TimeToFirstToken`, which is the engines' own and does not know of queues, holds and retries.
      ...distribution('ClientTimeToFirstToken', 'Seconds', interval.firstTokenSeconds),
      ...distribution('HitRateRegret', 'None', interval.regretShare),
    ],
    properties: { router: routerId },
  };
}

function count(name: string, value: number): Metric {
  return { name, unit: 'Count', values: [value] };
}

function distribution(name: string, unit: MetricUnit, seen: Distribution | undefined): Metric[] {
  return seen === undefined ? [] : [{ name, unit, ...seen }];
}
