import type { AssemblyStack } from './read-assembly.ts';

interface Generation {
  readonly SecretStringTemplate?: string;
  readonly GenerateStringKey?: string;
  readonly PasswordLength: number;
}

/** Values as Secrets Manager would make them for the secrets of these stacks, by name. */
export function makeSecrets(stacks: readonly AssemblyStack[]): Record<string, string> {
  const secrets = stacks
    .flatMap(({ resources }) => Object.values(resources))
    .filter(({ Type }) => Type === 'AWS::SecretsManager::Secret');
  return Object.fromEntries(
    secrets.map(({ Properties }) => {
      const { Name, GenerateSecretString } = Properties as { Name: string; GenerateSecretString: Generation };
      const { SecretStringTemplate, GenerateStringKey, PasswordLength } = GenerateSecretString;
      const password = 'k'.repeat(PasswordLength);
      const whole = { ...JSON.parse(SecretStringTemplate ?? '{}'), [GenerateStringKey ?? '']: password };
      return [Name, GenerateStringKey === undefined ? password : JSON.stringify(whole)];
    }),
  );
}
