import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import type { WorkerGroupConfig } from '../../lib/config/schema.ts';
import { WorkerGroup, type WorkerGroupProps } from '../../lib/workers/worker-group.ts';
import { devConfig, filesOf, noteShippedTexts, quickApp, userDataOf } from './fleet-templates.ts';

// biome-ignore lint/suspicious/noExplicitAny: templates are JSON, which assertions look into
export type Properties = Record<string, any>;

/** The stack of one worker group, made from the one of the dev fleet. */
export interface WorkerStack {
  readonly template: Template;
  /** The boot script. */
  readonly userData: string;
  /** Texts that the boot script fetches, by the path that they go to. */
  readonly files: Readonly<Record<string, string>>;
  readonly runnerUnit: string;
  readonly monitorUnit: string;
  /** Properties of the only resource of this type, e.g. `AutoScaling::AutoScalingGroup`. */
  readonly propertiesOf: (type: string) => Properties;
}

export const groupName = 'sglang-dev-workers-small';
const dev = devConfig();

/** The worker group of the dev fleet, with changes. */
export function workerConfig(changes: Partial<WorkerGroupConfig> = {}): WorkerGroupConfig {
  return { ...dev.workers[0]!, ...changes };
}

export function workerStack(
  changes: Partial<WorkerGroupConfig> = {},
  props: Partial<WorkerGroupProps> = {},
): WorkerStack {
  const app = new App(quickApp);
  const stack = new Stack(app, 'workers', { env: { region: dev.region } });
  const vpc = new Vpc(stack, 'Vpc', { availabilityZones: [...dev.network.availabilityZones] });
  new WorkerGroup(stack, 'WorkerGroup', {
    config: workerConfig(changes),
    agents: [],
    vpc,
    securityGroup: new SecurityGroup(stack, 'SecurityGroup', { vpc }),
    internalSecret: 'sglang-fleet/sglang-dev/internal',
    groupName,
    logGroupName: '/sglang-fleet/sglang-dev/workers-small',
    logRetentionDays: 14,
    ...props,
  });
  const template = Template.fromStack(stack);
  const userData = userDataOf(template);
  noteShippedTexts(app);
  const files = filesOf(template);
  return {
    template,
    userData,
    files,
    runnerUnit: files['/etc/systemd/system/fleet-runner.service']!,
    monitorUnit: files['/etc/systemd/system/fleet-log-monitor.service']!,
    propertiesOf(type) {
      const resources = Object.values(template.findResources(`AWS::${type}`));
      if (resources.length !== 1) throw new Error(`There are ${resources.length} resources of type ${type}.`);
      return resources[0]!['Properties'];
    },
  };
}

/** Value of an option in a unit's ExecStart; undefined when it is not there. */
export function optionOf(unit: string, option: string): string | undefined {
  return new RegExp(`^ExecStart=.* ${option} (\\S+)`, 'm').exec(unit)?.[1];
}
