import { Duration } from 'aws-cdk-lib';
import { MathExpression, Metric, type MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import { metricNamespace } from '../names.ts';

/** What routers publish under the name of the worker group that they serve (runtime/router/scaling/traffic-report.ts). */
export const routerMetrics = [
  'QueueTime',
  'ClientTimeToFirstToken',
  'HitRateRegret',
  'HeldRequests',
  'RejectedRequests',
  'GroupRaises',
] as const;

/** What the log monitor of a worker publishes under the name of its group (runtime/log-monitor/window-report.ts). */
export const workerMetrics = [
  'Utilization',
  'RunningRequests',
  'QueuedRequests',
  'KVCacheUsage',
  'PrefillTokens',
  'CachedTokens',
  'GenerationTokens',
  'CacheHitRate',
  'TimeToFirstToken',
  'InterTokenLatency',
  'EndToEndLatency',
  'Retractions',
  'EngineRestarts',
] as const;

/** What the CloudWatch agent measures on every machine (lib/cloudwatch-agent.ts). */
export const machineMetrics = ['mem_used_percent', 'disk_used_percent'] as const;
/** What it measures on workers besides. Memory in MiB, temperature in degrees Celsius, power in watts. */
export const gpuMetrics = [
  'nvidia_smi_utilization_gpu',
  'nvidia_smi_memory_used',
  'nvidia_smi_memory_total',
  'nvidia_smi_temperature_gpu',
  'nvidia_smi_power_draw',
] as const;

export type FleetMetricName = (
  | typeof routerMetrics
  | typeof workerMetrics
  | typeof machineMetrics
  | typeof gpuMetrics
)[number];

/** Parts of a start as the log monitor names them in the dimension `Phase` of `StartupSeconds`, in their order. */
export const startupPhases = [
  'distributed-init',
  'load-weight',
  'kv-cache',
  'graph-capture',
  'jit-compile',
  'total',
] as const;

/** Routers and log monitors say how things stand once in so many seconds. */
export const reportSeconds = 10;

type Look = Pick<MetricOptions, 'label' | 'period'>;

/**
 * A metric of a group: the group's name is its only dimension.
 * @param statistic as CloudWatch writes it, such as Average or p95
 */
export function fleetMetric(groupName: string, name: FleetMetricName, statistic: string, look: Look = {}): Metric {
  return groupMetric(metricNamespace, groupName, name, statistic, look);
}

/** Seconds that one part of a start took. */
export function startupMetric(groupName: string, phase: (typeof startupPhases)[number], statistic: string): Metric {
  return new Metric({
    namespace: metricNamespace,
    metricName: 'StartupSeconds',
    statistic,
    label: phase,
    dimensionsMap: { AutoScalingGroupName: groupName, Phase: phase },
    // Starts are rare: a point for each minute would be hard to see.
    period: Duration.minutes(5),
  });
}

export type CapacityMetricName =
  | 'GroupDesiredCapacity'
  | 'GroupInServiceInstances'
  | 'GroupPendingInstances'
  | 'GroupTerminatingInstances'
  | 'WarmPoolWarmedCapacity';

/** What EC2 Auto Scaling counts of a group, once a minute. */
export function capacityMetric(groupName: string, name: CapacityMetricName, look: Look = {}): Metric {
  return groupMetric('AWS/AutoScaling', groupName, name, 'Average', look);
}

export function cpuMetric(groupName: string, look: Look = {}): Metric {
  return groupMetric('AWS/EC2', groupName, 'CPUUtilization', 'Average', look);
}

/** A formula over metrics. Names in it begin with a lower-case letter and are used once in a widget. */
export function formula(expression: string, usingMetrics: Record<string, Metric>, look: Look = {}): MathExpression {
  return new MathExpression({
    expression,
    usingMetrics,
    period: look.period ?? Duration.minutes(1),
    ...(look.label !== undefined && { label: look.label }),
  });
}

function groupMetric(namespace: string, groupName: string, metricName: string, statistic: string, look: Look): Metric {
  return new Metric({
    namespace,
    metricName,
    statistic,
    period: Duration.minutes(1),
    dimensionsMap: { AutoScalingGroupName: groupName },
    ...look,
  });
}
