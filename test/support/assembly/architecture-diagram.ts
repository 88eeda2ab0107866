import type { TemplateResource } from './read-assembly.ts';

/** What a reader should see of a stack, by CloudFormation type. The rest is plumbing. */
const shown: Readonly<Record<string, string>> = {
  'AWS::EC2::VPC': 'VPC',
  'AWS::EC2::NatGateway': 'NAT gateway',
  'AWS::EC2::VPCEndpoint': 'VPC endpoint',
  'AWS::EC2::SecurityGroup': 'security group',
  'AWS::EC2::Volume': 'EBS volume of the store',
  'AWS::DLM::LifecyclePolicy': 'daily copy of it',
  'AWS::RDS::DBCluster': 'Aurora cluster',
  'AWS::RDS::DBInstance': 'Aurora instance',
  'AWS::SecretsManager::Secret': 'secret',
  'AWS::AutoScaling::AutoScalingGroup': 'Auto Scaling group',
  'AWS::AutoScaling::WarmPool': 'warm pool',
  'AWS::AutoScaling::ScalingPolicy': 'scaling policy',
  'AWS::AutoScaling::ScheduledAction': 'schedule',
  'AWS::ElasticLoadBalancingV2::LoadBalancer': 'load balancer',
  'AWS::Logs::LogGroup': 'log group',
  'AWS::Logs::QueryDefinition': 'saved query',
  'AWS::CloudWatch::Dashboard': 'dashboard',
  'AWS::CloudWatch::Alarm': 'alarm',
  'AWS::CloudWatch::CompositeAlarm': 'composite alarm',
  'AWS::SNS::Topic': 'topic',
  'AWS::SSM::Document': 'operator document',
  'AWS::Budgets::Budget': 'budget',
  'AWS::ImageBuilder::ImagePipeline': 'image pipeline',
};

export interface DrawnStack {
  readonly part: string;
  readonly resources: Readonly<Record<string, TemplateResource>>;
  readonly outputs: readonly string[];
}

/** A Mermaid flow chart: one box a stack with what is in it, an arrow to each stack whose values it uses. */
export function architectureDiagram(stacks: readonly DrawnStack[]): string {
  const nodes = stacks.map(({ part, resources }) => {
    const lines = Object.entries(shown).flatMap(([type, label]) => {
      const count = Object.values(resources).filter(({ Type }) => Type === type).length;
      return count === 0 ? [] : [count === 1 ? label : `${count} × ${label}`];
    });
    return `  ${idOf(part)}["<b>${part}</b><br/>${lines.join('<br/>')}"]`;
  });
  const edges = stacks.flatMap(({ part, resources }) => {
    const text = JSON.stringify(resources);
    return stacks
      .filter((other) => other.part !== part && other.outputs.some((name) => text.includes(`"${name}"`)))
      .map((other) => `  ${idOf(part)} --> ${idOf(other.part)}`);
  });
  return ['flowchart TD', ...nodes, ...edges].join('\n');
}

function idOf(part: string): string {
  return part.replaceAll('-', '_');
}
