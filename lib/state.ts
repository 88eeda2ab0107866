import type { IVpc } from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import type { FleetConfig } from './config/schema.ts';
import { Database, type DatabaseAddress } from './database.ts';
import { FleetSecrets } from './fleet-secrets.ts';
import type { FleetNames } from './names.ts';
import { privateSubnets } from './network.ts';
import type { FleetSecurityGroups } from './security-groups.ts';
import { StoreVolume } from './store-volume.ts';

export interface StateProps {
  readonly config: FleetConfig;
  readonly names: FleetNames;
  readonly vpc: IVpc;
  readonly securityGroups: FleetSecurityGroups;
}

/** Where the routers keep sessions: on a disk that one of them has attached, or in a database. */
export type RouterStore =
  | { readonly kind: 'embedded'; readonly volumeId: string; readonly availabilityZone: string }
  | ({ readonly kind: 'aurora' } & DatabaseAddress);

/** What outlives every machine: the secrets, and the store of the routers. */
export class FleetState extends Construct {
  readonly store: RouterStore;

  constructor(scope: Construct, id: string, props: StateProps) {
    super(scope, id);
    const { config, names } = props;
    const { store, requireKeys, apiKeysSecretArn } = config.routers;
    new FleetSecrets(this, 'Secrets', {
      internalSecretName: names.internalSecret,
      apiKeysSecretName: requireKeys && apiKeysSecretArn === undefined ? names.apiKeysSecret : undefined,
    });
    if (store.kind === 'aurora') {
      const { address } = new Database(this, 'Database', {
        config: store,
        vpc: props.vpc,
        subnets: privateSubnets,
        securityGroup: props.securityGroups.database!,
      });
      this.store = { kind: 'aurora', ...address };
    } else {
      const { volumeId, availabilityZone } = new StoreVolume(this, 'Store', {
        fleetName: config.name,
        availabilityZone: config.network.availabilityZones[0]!,
        sizeGiB: store.volumeGiB,
        backupDays: store.backupDays,
        isProtected: store.deletionProtection,
      });
      this.store = { kind: 'embedded', volumeId, availabilityZone };
    }
  }
}
