import { Match } from 'aws-cdk-lib/assertions';
import { balanced, devFleet } from '../support/dev-fleet.ts';
import { fleetTemplates } from '../support/fleet-templates.ts';

describe('the embedded store', () => {
  const state = fleetTemplates(devFleet({ routers: { store: { volumeGiB: 33, backupDays: 9 } } }))['state']!;

  test('is on an encrypted volume that stays when its stack goes or its zone changes', () => {
    state.hasResource('AWS::EC2::Volume', {
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: { Encrypted: true, Size: 33, VolumeType: 'gp3' },
    });
  });

  test('is copied every day, and copies are kept as long as the config says', () => {
    const [volume] = Object.values(state.findResources('AWS::EC2::Volume'));
    const [policy] = Object.values(state.findResources('AWS::DLM::LifecyclePolicy'));
    const { State, PolicyDetails } = policy!['Properties'];
    expect(State).toBe('ENABLED');
    expect(PolicyDetails.Schedules).toMatchObject([
      { CreateRule: { Interval: 24, IntervalUnit: 'HOURS' }, RetainRule: { Interval: 9, IntervalUnit: 'DAYS' } },
    ]);
    // By its tag: exactly the one that the volume has.
    expect(volume!['Properties'].Tags).toEqual(expect.arrayContaining(PolicyDetails.TargetTags));
  });

  test('goes with its stack where it is not to be protected', () => {
    const loose = fleetTemplates(devFleet({ routers: { store: { deletionProtection: false } } }))['state']!;
    loose.hasResource('AWS::EC2::Volume', { DeletionPolicy: 'Delete' });
  });
});

describe('the database', () => {
  const store = { kind: 'aurora', minCapacity: 1, maxCapacity: 16, backupDays: 21, standby: true } as const;
  const templates = fleetTemplates(devFleet({ routers: { ...balanced('network'), store } }));
  const state = templates['state']!;
  const cluster = (properties: object) => state.hasResourceProperties('AWS::RDS::DBCluster', properties);

  test('is private, encrypted and takes no connection without TLS', () => {
    cluster({ Engine: 'aurora-postgresql', StorageEncrypted: true });
    state.allResourcesProperties('AWS::RDS::DBInstance', { PubliclyAccessible: false });
    state.hasResourceProperties('AWS::RDS::DBClusterParameterGroup', { Parameters: { 'rds.force_ssl': '1' } });
    const [subnets] = Object.values(state.findResources('AWS::RDS::DBSubnetGroup'));
    expect(JSON.stringify(subnets!['Properties'].SubnetIds)).not.toContain('PublicSubnet');
  });

  test('grows and shrinks between the capacities of the config', () => {
    cluster({ ServerlessV2ScalingConfiguration: { MinCapacity: 1, MaxCapacity: 16 } });
    state.allResourcesProperties('AWS::RDS::DBInstance', { DBInstanceClass: 'db.serverless' });
  });

  test('has a second instance where the config wants one, ready to take over at any load', () => {
    const tiers = Object.values(state.findResources('AWS::RDS::DBInstance')).map(
      ({ Properties }) => Properties.PromotionTier,
    );
    // Up to tier 1 an instance scales with the writer.
    expect(tiers.sort()).toEqual([0, 1]);
  });

  test('cannot be deleted, has backups, and leaves a snapshot behind', () => {
    state.hasResource('AWS::RDS::DBCluster', {
      DeletionPolicy: 'Snapshot',
      UpdateReplacePolicy: 'Snapshot',
      Properties: { DeletionProtection: true, BackupRetentionPeriod: 21, CopyTagsToSnapshot: true },
    });
  });

  test('its password is made, kept and changed by AWS', () => {
    cluster({ ManageMasterUserPassword: true, MasterUserPassword: Match.absent() });
  });

  test('needs no function of ours', () => {
    for (const template of Object.values(templates)) template.resourceCountIs('AWS::Lambda::Function', 0);
  });

  test('takes the place of the volume', () => state.resourceCountIs('AWS::EC2::Volume', 0));
});
