import { metricNamespace } from '../../../lib/names.ts';
import { groupName as group, type Properties, workerStack } from '../../support/worker-stack.ts';

const scaling = { targetUtilization: 0.6, targetQueueSeconds: 3, scaleInCooldownSeconds: 900, predictive: false };
const { template } = workerStack({ scaling, startMinutes: 45 });

const policiesOf = (stack = template) =>
  Object.entries(stack.findResources('AWS::AutoScaling::ScalingPolicy')).map(([id, { Properties }]) => ({
    id,
    ...(Properties as Properties),
  }));
const alarmOf = (name: string) =>
  Object.values(
    template.findResources('AWS::CloudWatch::Alarm', { Properties: { AlarmName: `${group}-${name}` } }),
  )[0]!['Properties'] as Properties;
const policyOf = (name: string) => {
  const [id] = alarmOf(name)['AlarmActions'][0]['Fn::GetAtt'];
  return policiesOf().find((policy) => policy.id === id) as Properties;
};

test('the group tracks its utilisation at the shortest period that AWS takes, and only upwards', () => {
  expect(policiesOf().filter(({ PolicyType }: Properties) => PolicyType === 'TargetTrackingScaling')).toEqual([
    expect.objectContaining({
      AutoScalingGroupName: group,
      TargetTrackingConfiguration: {
        TargetValue: 0.6,
        DisableScaleIn: true,
        CustomizedMetricSpecification: {
          Namespace: metricNamespace,
          MetricName: 'Utilization',
          Statistic: 'Average',
          Period: 10,
          Dimensions: [{ Name: 'AutoScalingGroupName', Value: group }],
        },
      },
    }),
  ]);
});

test('requests that wait in the routers add workers, more when they wait long, and never take any away', () => {
  expect(alarmOf('queue')).toMatchObject({
    MetricName: 'QueueTime',
    Dimensions: [{ Name: 'AutoScalingGroupName', Value: group }],
    ExtendedStatistic: 'p90',
    ComparisonOperator: 'GreaterThanThreshold',
    Threshold: 3,
  });
  const { StepAdjustments: steps, MinAdjustmentMagnitude } = policyOf('queue');
  expect(MinAdjustmentMagnitude).toBe(1);
  expect(steps.map((step: { ScalingAdjustment: number }) => step.ScalingAdjustment)).toEqual([10, 30]);
  expect(steps[0].MetricIntervalUpperBound).toBe(steps[1].MetricIntervalLowerBound);
});

test('workers go only when one fewer would have carried the load below the target for the whole cool-down', () => {
  const alarm = alarmOf('idle');
  expect(alarm['EvaluationPeriods'] * 60).toBe(scaling.scaleInCooldownSeconds);
  expect(alarm).toMatchObject({ ComparisonOperator: 'LessThanOrEqualToThreshold', Threshold: 0 });
  const [expression] = alarm['Metrics'].filter((metric: { Expression?: string }) => metric.Expression);
  const surplus = (utilization: number, workers: number) =>
    // biome-ignore lint/security/noGlobalEval: CloudWatch's arithmetic is JavaScript's here
    eval(expression.Expression.replaceAll('utilization', String(utilization)).replaceAll('workers', String(workers)));
  // Four workers at 0.3 carry what three do at 0.4.
  expect(surplus(0.3, 4)).toBeLessThanOrEqual(0);
  // At 0.42 three would be at 0.56, too near to the target of 0.6.
  expect(surplus(0.42, 4)).toBeGreaterThan(0);
  expect(policyOf('idle')).toMatchObject({ MinAdjustmentMagnitude: 1, StepAdjustments: [{ ScalingAdjustment: -10 }] });
});

test('the last worker goes only when it has nothing to do', () => {
  const [expression] = alarmOf('idle')['Metrics'].filter((metric: { Expression?: string }) => metric.Expression);
  expect(expression.Expression.replaceAll('workers', '1').replaceAll('utilization', '0.01')).toBe(
    '0.01 * 1 - 0.54 * (1 - 1)',
  );
});

test('silence of the workers or of the routers changes nothing', () => {
  for (const name of ['queue', 'idle']) expect(alarmOf(name)['TreatMissingData']).toBe('notBreaching');
});

test('the group grows ahead of a pattern only where the config says so', () => {
  const predictions = (stack = template) =>
    policiesOf(stack).filter((policy: Properties) => policy['PolicyType'] === 'PredictiveScaling');
  expect(predictions()).toEqual([]);
  const [policy] = predictions(
    workerStack({ scaling: { ...scaling, predictive: true }, startMinutes: 45 }).template,
  ) as Properties[];
  expect(policy!['PredictiveScalingConfiguration']).toMatchObject({
    Mode: 'ForecastAndScale',
    SchedulingBufferTime: 45 * 60,
  });
  const [specification, ...others] = policy!['PredictiveScalingConfiguration'].MetricSpecifications;
  expect(others).toEqual([]);
  expect(specification.TargetValue).toBe(0.6);
  const statOf = (part: string) => specification[part].MetricDataQueries[0].MetricStat.Stat;
  expect(statOf('CustomizedLoadMetricSpecification')).toBe('Sum');
  expect(statOf('CustomizedScalingMetricSpecification')).toBe('Average');
});

// AWS takes at most an hour.
test('a worker that starts for longer than AWS can foresee is started as early as possible', () => {
  const slow = workerStack({ scaling: { ...scaling, predictive: true }, startMinutes: 120 }).template;
  slow.hasResourceProperties('AWS::AutoScaling::ScalingPolicy', {
    PredictiveScalingConfiguration: { SchedulingBufferTime: 3_600 },
  });
});

test('policies come after the group that they name', () => {
  const [groupId] = Object.keys(template.findResources('AWS::AutoScaling::AutoScalingGroup'));
  for (const policy of Object.values(template.findResources('AWS::AutoScaling::ScalingPolicy'))) {
    expect(policy['DependsOn']).toContain(groupId);
  }
});
