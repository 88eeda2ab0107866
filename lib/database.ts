import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import {
  AuroraPostgresEngineVersion,
  CaCertificate,
  ClusterInstance,
  Credentials,
  DatabaseCluster,
  DatabaseClusterEngine,
  ParameterGroup,
} from 'aws-cdk-lib/aws-rds';
import { Construct } from 'constructs';
import type { RouterConfig } from './config/schema.ts';
import { ports } from './names.ts';

export interface DatabaseProps {
  readonly config: RouterConfig['store'];
  readonly vpc: IVpc;
  readonly subnets: SubnetSelection;
  readonly securityGroup: ISecurityGroup;
}

/** What a router needs to reach it. */
export interface DatabaseAddress {
  /** Without a password: `postgres://user@host:port/database`. */
  readonly url: string;
  /** Secret with the password, which AWS changes once a week. */
  readonly secretArn: string;
  readonly clusterIdentifier: string;
}

const name = 'fleet';

/**
 * Aurora Serverless v2 Postgres for the sessions of several routers: private, encrypted, TLS only. Its password is made,
 * kept and changed by AWS (RDS with Secrets Manager), without a function of ours.
 */
export class Database extends Construct {
  readonly address: DatabaseAddress;

  constructor(scope: Construct, id: string, props: DatabaseProps) {
    super(scope, id);
    const { minCapacity, maxCapacity, standby, backupDays, deletionProtection } = props.config;
    const engine = DatabaseClusterEngine.auroraPostgres({ version: AuroraPostgresEngineVersion.VER_17_7 });
    // The certificate that routers check, see lib/database-authority.ts.
    const instance = { publiclyAccessible: false, caCertificate: CaCertificate.RDS_CA_RSA2048_G1 };
    const cluster = new DatabaseCluster(this, 'Cluster', {
      engine,
      parameterGroup: new ParameterGroup(this, 'Parameters', {
        engine,
        description: 'No connection without TLS',
        parameters: { 'rds.force_ssl': '1' },
      }),
      writer: ClusterInstance.serverlessV2('Writer', instance),
      // With the writer's size, so that it can take its place at any time.
      readers: standby ? [ClusterInstance.serverlessV2('Standby', { ...instance, scaleWithWriter: true })] : [],
      serverlessV2MinCapacity: minCapacity,
      serverlessV2MaxCapacity: maxCapacity,
      vpc: props.vpc,
      vpcSubnets: props.subnets,
      securityGroups: [props.securityGroup],
      port: ports.database,
      defaultDatabaseName: name,
      credentials: Credentials.fromUsername(name),
      manageMasterUserPassword: true,
      storageEncrypted: true,
      backup: { retention: Duration.days(backupDays) },
      copyTagsToSnapshot: true,
      deletionProtection,
      removalPolicy: deletionProtection ? RemovalPolicy.SNAPSHOT : RemovalPolicy.DESTROY,
    });
    Validations.of(cluster).acknowledge({
      id: 'AwsSolutions-RDS6',
      reason: 'Routers log in with the password that AWS makes, keeps and changes every week.',
    });
    if (!deletionProtection) {
      Validations.of(cluster).acknowledge({
        id: 'AwsSolutions-RDS10',
        reason: 'The fleet file wants a database that can be deleted.',
      });
    }
    const { hostname, port } = cluster.clusterEndpoint;
    this.address = {
      url: `postgres://${name}@${hostname}:${port}/${name}`,
      secretArn: cluster.secret!.secretArn,
      clusterIdentifier: cluster.clusterIdentifier,
    };
  }
}
