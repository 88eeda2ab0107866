import path from 'node:path';
import { CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import { DefaultResult, LifecycleHook, LifecycleTransition } from 'aws-cdk-lib/aws-autoscaling';
import type { IVpc } from 'aws-cdk-lib/aws-ec2';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { DaemonBundle } from './bundle.ts';
import { AgentConfigAsset } from './cloudwatch-agent.ts';
import type { RouterConfig } from './config/schema.ts';
import { DatabaseAuthorityAsset } from './database-authority.ts';
import type { FileAsset } from './file-asset.ts';
import { FleetLogGroup } from './fleet-log-group.ts';
import { allowToRead } from './fleet-secrets.ts';
import { groupArn } from './group-arn.ts';
import { MachineGroup } from './machine-group.ts';
import { allow, inThisRegion, MachineRole } from './machine-role.ts';
import { machineScript } from './machine-script.ts';
import { type FleetNames, terminateHook } from './names.ts';
import { RouterLoadBalancer } from './router-load-balancer.ts';
import {
  databaseAuthorityFile,
  leaveGroupUnit,
  type RoutedWorkers,
  routerDataFolder,
  routerLeaveSeconds,
  routerUnit,
  sglangRouterPython,
} from './router-unit.ts';
import type { FleetSecurityGroups } from './security-groups.ts';
import type { RouterStore } from './state.ts';
import { allowToAttach } from './store-volume.ts';
import { daemonUser, metricsFile } from './systemd.ts';
import { daemonUnitFile } from './unit-file.ts';
import { machineUserData, programFolder } from './user-data.ts';

export interface RouterGroupProps {
  readonly config: RouterConfig;
  readonly names: FleetNames;
  readonly vpc: IVpc;
  readonly securityGroups: FleetSecurityGroups;
  readonly store: RouterStore;
  readonly logRetentionDays: number;
  readonly workers: readonly RoutedWorkers[];
}

/** From boot until a router serves. */
const startSeconds = 300;
const sglangRouterVersion = '0.3.2';

/**
 * The routers: an Auto Scaling group that replaces what is lost, behind a load balancer where the config has one. Routers
 * with a database may overlap, so that a deployment starts the next one before it ends the last. The embedded store is on a
 * disk that one machine has at a time: there the last one ends first.
 */
export class RouterGroup extends Construct {
  constructor(scope: Construct, id: string, props: RouterGroupProps) {
    super(scope, id);
    const { config, names, vpc, securityGroups, store } = props;
    const canOverlap = store.kind === 'aurora';
    const { logGroup } = new FleetLogGroup(this, 'Logs', {
      logGroupName: names.routerLogs,
      retentionDays: props.logRetentionDays,
    });
    const units = [
      routerUnit({
        config,
        region: Stack.of(this).region,
        workers: props.workers,
        store,
        internalSecret: names.internalSecret,
        apiKeysSecret: config.apiKeysSecretArn ?? names.apiKeysSecret,
      }),
      leaveGroupUnit(names.routerGroup, `${programFolder}/leave-group.sh`),
    ].map((unit) => daemonUnitFile(this, unit));
    const files = {
      'router.mjs': new DaemonBundle(this, 'RouterBundle', 'router'),
      'leave-group.sh': machineScript(this, 'leave-group'),
      ...storeFiles(this, store),
      'agent.json': new AgentConfigAsset(this, 'AgentConfig', {
        logGroupName: names.routerLogs,
        units: units.map((unit) => unit.unitName),
        logFiles: { metrics: metricsFile },
      }),
    };
    const { group } = new MachineGroup(this, 'Router', {
      groupName: names.routerGroup,
      vpc,
      securityGroup: securityGroups.routers,
      machineRole: new MachineRole(this, 'Machine', {
        files: [...Object.values(files), ...units],
        logGroup,
        statements: statementsOf(this, props),
      }),
      instanceType: config.instanceType,
      image: config.image,
      volumeGiB: config.volumeGiB,
      userData: machineUserData({
        files,
        agentConfig: 'agent.json',
        ...(config.engine === 'sglang-router' && { packages: ['python3.12'] }),
        commands: [...installEngine(config), ...mountStore(store)],
        units,
      }),
      minCapacity: config.count,
      // Room for the next router while the last one is still there.
      maxCapacity: canOverlap ? config.count + 1 : config.count,
      warmup: Duration.seconds(startSeconds),
      minHealthyPercentage: canOverlap ? 100 : 0,
      maxHealthyPercentage: canOverlap ? 100 + Math.ceil(100 / config.count) : 100,
      ...(!canOverlap && { availabilityZone: store.availabilityZone }),
      ...(config.loadBalancer.kind !== 'none' && {
        // A router waits for the disk of the last one, which may still be finishing its answers.
        loadBalancerGrace: Duration.seconds(startSeconds + (canOverlap ? 0 : routerLeaveSeconds(config))),
      }),
    });
    new LifecycleHook(this, 'Terminate', {
      autoScalingGroup: group,
      lifecycleHookName: terminateHook,
      lifecycleTransition: LifecycleTransition.INSTANCE_TERMINATING,
      heartbeatTimeout: Duration.seconds(routerLeaveSeconds(config)),
      defaultResult: DefaultResult.CONTINUE,
    });
    const output = (name: string, value: string, description: string) =>
      new CfnOutput(Stack.of(this), name, { value, description });
    output('GroupName', names.routerGroup, 'Auto Scaling group of the routers');
    if (config.requireKeys) {
      output('ApiKeysSecret', config.apiKeysSecretArn ?? names.apiKeysSecret, 'Secret with the API keys of clients');
    }
    if (config.loadBalancer.kind === 'none') return;
    const { url } = new RouterLoadBalancer(this, 'LoadBalancer', {
      config,
      vpc,
      securityGroup: securityGroups.loadBalancer!,
      group,
      logRetentionDays: props.logRetentionDays,
    });
    output('Url', url, 'Address for clients; a certificate is for the name that you point at it');
  }
}

function storeFiles(scope: Construct, store: RouterStore): Record<string, FileAsset> {
  if (store.kind === 'embedded') return { 'mount-store.sh': machineScript(scope, 'mount-store') };
  const authority = new DatabaseAuthorityAsset(scope, 'DatabaseAuthority', Stack.of(scope).region);
  return { [path.basename(databaseAuthorityFile)]: authority };
}

function mountStore(store: RouterStore): string[] {
  if (store.kind !== 'embedded') return [];
  return [`bash ${programFolder}/mount-store.sh ${store.volumeId} ${routerDataFolder} ${daemonUser}`];
}

function installEngine({ engine }: RouterConfig): string[] {
  if (engine !== 'sglang-router') return [];
  const install = `retry ${sglangRouterPython} -m pip install -q --no-cache-dir sglang-router==${sglangRouterVersion}`;
  return [`python3.12 -m venv ${path.dirname(path.dirname(sglangRouterPython))}`, install];
}

/** What a router does beyond booting, logging and measuring. */
function statementsOf(scope: Construct, { config, names, workers, store }: RouterGroupProps): PolicyStatement[] {
  const ownKeys = config.requireKeys && config.apiKeysSecretArn === undefined;
  return [
    // Discovery. Neither call can be limited to a group or to its instances.
    allow(['autoscaling:DescribeAutoScalingGroups', 'ec2:DescribeInstances'], ['*'], inThisRegion(scope)),
    // Raises the workers from zero.
    allow(
      ['autoscaling:SetDesiredCapacity'],
      workers.map(({ groupName }) => groupArn(scope, groupName)),
    ),
    allow(['autoscaling:CompleteLifecycleAction'], [groupArn(scope, names.routerGroup)]),
    allowToRead(scope, {
      names: [names.internalSecret, ...(ownKeys ? [names.apiKeysSecret] : [])],
      arns: [
        ...(config.apiKeysSecretArn === undefined ? [] : [config.apiKeysSecretArn]),
        ...(store.kind === 'aurora' ? [store.secretArn] : []),
      ],
    }),
    ...(store.kind === 'embedded' ? allowToAttach(scope, store.volumeId, names.routerGroup) : []),
  ];
}
