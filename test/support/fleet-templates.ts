import { readFileSync } from 'node:fs';
import path from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { loadFleetConfig } from '../../lib/config/load.ts';
import type { FleetConfig } from '../../lib/config/schema.ts';
import { addFleet } from '../../lib/fleet.ts';

export const repositoryRoot = path.resolve(import.meta.dirname, '../..');

/** The feature flags that the CDK command line reads from cdk.json. */
const { context } = JSON.parse(readFileSync(path.join(repositoryRoot, 'cdk.json'), 'utf8')) as {
  context: Record<string, unknown>;
};

export function devConfig(): FleetConfig {
  return loadFleetConfig(path.join(repositoryRoot, 'fleets/dev.yaml'));
}

/** The fleet's templates by the part of the stack name after the fleet's, made without bundling the daemons. */
export function fleetTemplates(config: FleetConfig): Record<string, Template> {
  const app = new App({ context: { ...context, 'aws:cdk:bundling-stacks': [] } });
  addFleet(app, config);
  return Object.fromEntries(
    app
      .synth()
      .stacks.map(({ stackName, template }) => [
        stackName.slice(config.name.length + 1),
        Template.fromJSON(template as Record<string, unknown>),
      ]),
  );
}

/** The boot script of the only launch template in `template`, with `Ref`s and the like as their names. */
export function userDataOf(template: Template): string {
  const [launchTemplate] = Object.values(template.findResources('AWS::EC2::LaunchTemplate'));
  const parts = launchTemplate?.['Properties'].LaunchTemplateData.UserData['Fn::Base64']['Fn::Join'][1] as unknown[];
  return parts.map((part) => (typeof part === 'string' ? part : Object.values(part as object).join())).join('');
}
