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
    // An engine takes long to start: that of the default instance serves all suites of a process.
    const engine = CloudFormationValidatePlugin._singletonInstance();
    const report = engine.validate({ ...context, stackTemplates, templatePaths });
    if (report.success) for (const stack of stackTemplates) this.#passed.add(keys.get(stack)!);
    return report;
  }
}

/** All that the check depends on. */
function keyOf({ stackConstructPath, templatePath, accountId, region }: PolicyValidationStack): string {
  return JSON.stringify([stackConstructPath, accountId, region, readFileSync(templatePath, 'utf8')]);
}
