import type { SecretLoader } from './secrets-manager.ts';

/** Stands before the name or ARN of a secret of AWS Secrets Manager, where else its value would stand. */
export const secretPrefix = 'aws-secretsmanager:';

/**
 * The secret that an option gives, or that it refers to by `aws-secretsmanager:NAME-OR-ARN`: the value is then nowhere but
 * in Secrets Manager and in this process. It is read once.
 * @throws when the secret cannot be read or is empty; the message names the secret and not its value
 */
export async function resolveSecret(value: string | undefined, load: SecretLoader): Promise<string | undefined> {
  if (!value?.startsWith(secretPrefix)) return value;
  const secretId = value.slice(secretPrefix.length);
  let text: string;
  try {
    text = (await load(secretId)).trim();
  } catch (error) {
    throw new Error(`The secret ${secretId} could not be read.`, { cause: error });
  }
  if (text === '') throw new Error(`The secret ${secretId} is empty.`);
  return text;
}
