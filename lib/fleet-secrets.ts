import { RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { allow } from './machine-role.ts';

export interface FleetSecretsProps {
  readonly internalSecretName: string;
  /** Undefined where the config brings its own keys, or wants none. */
  readonly apiKeysSecretName: string | undefined;
}

/**
 * What routers, workers and clients know each other by. AWS makes the values; templates and boot scripts hold names, and the
 * daemons read the values when they start. A value is made once: a later deployment leaves what stands in it then alone.
 */
export class FleetSecrets extends Construct {
  constructor(scope: Construct, id: string, props: FleetSecretsProps) {
    super(scope, id);
    Validations.of(this).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason: 'Clients and workers hold the same values: an operator changes them when all can follow.',
    });
    new Secret(this, 'Internal', {
      secretName: props.internalSecretName,
      description: 'Routers and workers know each other by it',
      // Letters and digits: it is a bearer token.
      generateSecretString: { passwordLength: 64, excludePunctuation: true },
      removalPolicy: RemovalPolicy.DESTROY,
    });
    if (props.apiKeysSecretName === undefined) return;
    new Secret(this, 'ApiKeys', {
      secretName: props.apiKeysSecretName,
      description: 'API keys of the fleet, one or a list of {id, key | sha256, scopes, limits}',
      generateSecretString: {
        secretStringTemplate: JSON.stringify({ id: 'first', scopes: ['inference', 'admin'] }),
        generateStringKey: 'key',
        passwordLength: 48,
        excludePunctuation: true,
      },
      removalPolicy: RemovalPolicy.DESTROY,
    });
  }
}

/** How a daemon is told to read a secret, by its name or ARN, instead of being given its value. */
export function secretReference(nameOrArn: string): string {
  return `aws-secretsmanager:${nameOrArn}`;
}

/** Secrets of this account and region by their names, and any by their ARNs. */
export interface ReadableSecrets {
  readonly names: readonly string[];
  readonly arns: readonly string[];
}

/** Lets a machine read these secrets and no others. */
export function allowToRead(scope: Construct, { names, arns }: ReadableSecrets): PolicyStatement {
  const { partition, region, account } = Stack.of(scope);
  // AWS puts a dash and six characters of its own behind a name.
  const named = names.map((name) => `arn:${partition}:secretsmanager:${region}:${account}:secret:${name}-??????`);
  return allow(['secretsmanager:GetSecretValue'], [...named, ...arns]);
}
