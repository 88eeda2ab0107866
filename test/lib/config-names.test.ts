import { configOf, fleetContent, withValues } from '../support/fleet-file.ts';
import { fleetTemplates } from '../support/fleet-templates.ts';

/** Longest names that AWS takes, from the API reference of each service. */
const longest: Readonly<Record<string, readonly [property: string, characters: number]>> = {
  'AWS::AutoScaling::AutoScalingGroup': ['AutoScalingGroupName', 255],
  'AWS::AutoScaling::LifecycleHook': ['LifecycleHookName', 255],
  'AWS::Budgets::Budget': ['BudgetName', 100],
  'AWS::CloudWatch::Alarm': ['AlarmName', 255],
  'AWS::CloudWatch::Dashboard': ['DashboardName', 255],
  'AWS::EC2::LaunchTemplate': ['LaunchTemplateName', 128],
  'AWS::ElasticLoadBalancingV2::LoadBalancer': ['Name', 32],
  'AWS::ElasticLoadBalancingV2::TargetGroup': ['Name', 32],
  'AWS::IAM::Role': ['RoleName', 64],
  'AWS::Logs::LogGroup': ['LogGroupName', 512],
  'AWS::Logs::QueryDefinition': ['Name', 255],
  'AWS::RDS::DBCluster': ['DBClusterIdentifier', 63],
  'AWS::S3::Bucket': ['BucketName', 63],
  'AWS::SNS::Topic': ['TopicName', 256],
  'AWS::SSM::Document': ['Name', 128],
  'AWS::SecretsManager::Secret': ['Name', 512],
};
const longestStackName = 128;

test('the longest names of a fleet and its group make no name that AWS would refuse', () => {
  const slug = `a${'-long'.repeat(5)}-end`.padEnd(30, 'x');
  const content = withValues(fleetContent('production'), { name: slug, 'workers.0.name': slug });
  const templates = Object.entries(fleetTemplates(configOf(content)));
  expect(templates.map(([part]) => `${slug}-${part}`.length).filter((length) => length > longestStackName)).toEqual([]);

  const named = templates.flatMap(([, template]) =>
    Object.values(template.toJSON()['Resources'] as Record<string, { Type: string; Properties?: object }>).flatMap(
      ({ Type, Properties = {} }) => {
        const [property, characters] = longest[Type] ?? [];
        const name = (Properties as Record<string, unknown>)[property ?? ''];
        return typeof name === 'string' ? [{ Type, name, excess: name.length - characters! }] : [];
      },
    ),
  );
  expect(named.filter(({ name }) => name.includes(slug)).length).toBeGreaterThan(5);
  expect(named.filter(({ excess }) => excess > 0)).toEqual([]);
});
