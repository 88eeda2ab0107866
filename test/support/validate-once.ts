import { readFileSync } from 'node:fs';
import {
  CloudFormationValidatePlugin,
  type IPolicyValidationContext,
  type PolicyValidationPluginReport,
  type PolicyValidationStack,
} from 'aws-cdk-lib';

/**
 * The CDK's own check of templates, in the place of its default instance, for a suite that makes many variations of a fleet:
 * they have most of their stacks in common. A template that has passed is not looked at again.
 */
export class ValidateOnce extends CloudFormationValidatePlugin {
  readonly #passed = new Set<string>();

  override validate(context: IPolicyValidationContext): PolicyValidationPluginReport {
    const keys = new Map(context.stackTemplates.map((stack) => [stack, keyOf(stack)]));
    const stackTemplates = context.stackTemplates.filter((stack) => !this.#passed.has(keys.get(stack)!));
    if (stackTemplates.length === 0) return { success: true, violations: [] };
    const templatePaths = stackTemplates.map(({ templatePath }) => templatePath);
    const report = engineFor(stackTemplates).validate({ ...context, stackTemplates, templatePaths });
    if (report.success) for (const stack of stackTemplates) this.#passed.add(keys.get(stack)!);
    return report;
  }
}

/** All that the check depends on. */
function keyOf({ stackConstructPath, templatePath, accountId, region }: PolicyValidationStack): string {
  return JSON.stringify([stackConstructPath, accountId, region, readFileSync(templatePath, 'utf8')]);
}

/**
 * The CDK's default instance, which all suites of a process share. An engine has the rules of some types of resources and takes
 * long to make: by itself the instance would make another one whenever it meets a new type, and forget the others.
 */
function engineFor(stacks: readonly PolicyValidationStack[]): CloudFormationValidatePlugin {
  const instance = CloudFormationValidatePlugin._singletonInstance();
  const types = new Set(instance['engineResourceTypes'] as Set<string> | undefined);
  for (const { templatePath } of stacks) {
    const { Resources } = JSON.parse(readFileSync(templatePath, 'utf8')) as {
      Resources: Record<string, { Type: string }>;
    };
    for (const { Type } of Object.values(Resources)) types.add(Type);
  }
  instance['initializeEngine'](types);
  return instance;
}
