import { readRegion } from './imds.ts';

/** Reads the text of a secret by its name or ARN. */
export type SecretLoader = (secretId: string) => Promise<string>;

export interface SecretsManagerOptions {
  /** AWS region of secrets that are given by name; an ARN tells its own. @default - that of the instance */
  readonly region?: string | undefined;
}

/**
 * Reads secrets from AWS Secrets Manager; needs `secretsmanager:GetSecretValue`. The client is imported at the first
 * use: a router whose keys are elsewhere never loads it. Endpoint and credentials come from the environment or the
 * instance role. The loader rejects when there is no region, no permission, no such secret, or no text in it.
 */
export function secretsManagerLoader(options: SecretsManagerOptions = {}): SecretLoader {
  return async (secretId) => {
    const region = regionOfArn(secretId) ?? options.region ?? (await readRegion());
    if (region === undefined) {
      throw new Error(`No AWS region for the secret ${secretId}. Set AWS_REGION, or give the ARN of the secret.`);
    }
    const { SecretsManagerClient, GetSecretValueCommand } = await import('@aws-sdk/client-secrets-manager');
    const client = new SecretsManagerClient({ region });
    try {
      const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: secretId }));
      if (SecretString === undefined) throw new Error(`The secret ${secretId} holds bytes; it must hold text.`);
      return SecretString;
    } finally {
      client.destroy();
    }
  };
}

/** `arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME`; undefined for a plain name. */
export function regionOfArn(secretId: string): string | undefined {
  return /^arn:[\w-]+:secretsmanager:([\w-]+):/.exec(secretId)?.[1];
}
