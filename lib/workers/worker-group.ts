import { CfnOutput, Stack, Tags } from 'aws-cdk-lib';
import type { ISecurityGroup, IVpc } from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import type { AgentsConfig, ImageConfig, WorkerGroupConfig } from '../config/schema.ts';
import { FleetLogGroup } from '../fleet-log-group.ts';
import { machineImage } from '../image.ts';
import { MachineRole } from '../machine-role.ts';
import { machineUserData } from '../user-data.ts';
import { engineInstallation } from './install-engine.ts';
import { WorkerLaunchTemplate } from './launch-template.ts';
import { ScalingPolicies } from './scaling-policies.ts';
import { addSchedules } from './schedules.ts';
import { weightsPlan } from './weights.ts';
import { workerFiles } from './worker-files.ts';
import { WorkerMachines } from './worker-machines.ts';
import { workerStatements } from './worker-permissions.ts';

export interface WorkerGroupProps {
  readonly config: WorkerGroupConfig;
  /** What sessions may run beside the built-in agent. */
  readonly agents: AgentsConfig;
  /** What the machines boot. @default - the image that the config names */
  readonly image?: ImageConfig;
  readonly vpc: IVpc;
  readonly securityGroup: ISecurityGroup;
  readonly groupName: string;
  readonly logGroupName: string;
  readonly logRetentionDays: number;
  /** Name of the secret by which routers know the workers. */
  readonly internalSecret: string;
}

/** GPU machines that serve one model: each with an engine, its runner and its log monitor. */
export class WorkerGroup extends Construct {
  constructor(scope: Construct, id: string, props: WorkerGroupProps) {
    super(scope, id);
    const { config, groupName, vpc, internalSecret } = props;
    const { region } = Stack.of(this);
    const { files, units } = workerFiles(this, { ...props, region });
    const { logGroup } = new FleetLogGroup(this, 'Logs', {
      logGroupName: props.logGroupName,
      retentionDays: props.logRetentionDays,
    });
    const machineRole = new MachineRole(this, 'Machine', {
      files: [...Object.values(files), ...units],
      logGroup,
      statements: workerStatements(this, groupName, weightsPlan(config), internalSecret),
    });
    const { launchTemplate } = new WorkerLaunchTemplate(this, 'Launch', {
      config,
      machineImage: machineImage(props.image ?? config.image, region),
      role: machineRole.role,
      securityGroup: props.securityGroup,
      userData: machineUserData({ ...engineInstallation(config), files, units, agentConfig: 'agent.json' }),
    });
    const { group } = new WorkerMachines(this, 'Workers', { config, groupName, vpc, launchTemplate });
    for (const named of [launchTemplate, group]) Tags.of(named).add('Name', groupName);
    // A machine fetches its daemons right at boot.
    group.node.addDependency(machineRole.policy);
    const scaling = new ScalingPolicies(this, 'Scaling', { config, groupName });
    // They speak of the group by its name alone.
    scaling.node.addDependency(group);
    addSchedules(this, group, config.schedules);
    new CfnOutput(Stack.of(this), 'GroupName', { value: groupName, description: 'Auto Scaling group of the workers' });
  }
}
