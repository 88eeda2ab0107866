import { Stack, Validations } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/**
 * Says why policies below `scope` have a resource with an asterisk: cdk-nag's rule IAM5 wants a reason for each one.
 * @param resource as it stands in the statement; may hold tokens
 */
export function justifyWildcard(scope: Construct, resource: string, reason: string): void {
  const id = `AwsSolutions-IAM5[Resource::${flatten(Stack.of(scope).resolve(resource))}]`;
  Validations.of(scope).acknowledge({ id, reason });
}

/** An expression of CloudFormation the way cdk-nag writes it: references in angle brackets. */
function flatten(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  const [[name, argument]] = Object.entries(value) as [[string, unknown]];
  if (name === 'Ref') return `<${argument}>`;
  if (name === 'Fn::GetAtt') return `<${(argument as string[]).join('.')}>`;
  if (name !== 'Fn::Join') throw new Error(`cdk-nag's name for ${name} is not known.`);
  const [separator, parts] = argument as [string, unknown[]];
  return parts.map(flatten).join(separator);
}
