import { resolveSecret } from '../../shared/secret-reference.ts';
import type { SecretLoader } from '../../shared/secrets-manager.ts';

/**
 * Gives variables that refer to a secret its value, such as `HF_TOKEN=aws-secretsmanager:NAME-OR-ARN`, for the engines that
 * inherit this environment. The daemons' own variables are not the engine's and stay as they are.
 * @throws as `resolveSecret`
 */
export async function resolveEngineSecrets(environment: NodeJS.ProcessEnv, load: SecretLoader): Promise<void> {
  const entries = Object.entries(environment).filter(([name]) => !name.startsWith('FLEET_'));
  await Promise.all(
    entries.map(async ([name, value]) => {
      const secret = await resolveSecret(value, load);
      if (secret !== value) environment[name] = secret;
    }),
  );
}
