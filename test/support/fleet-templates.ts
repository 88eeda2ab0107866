import { readFileSync } from 'node:fs';
import path from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { loadFleetConfig } from '../../lib/config/load.ts';
import type { FleetConfig } from '../../lib/config/schema.ts';
import { FileAsset } from '../../lib/file-asset.ts';
import { addFleet } from '../../lib/fleet.ts';

export const repositoryRoot = path.resolve(import.meta.dirname, '../..');

/** The feature flags that the CDK command line reads from cdk.json. */
export const { context: cdkContext } = JSON.parse(readFileSync(path.join(repositoryRoot, 'cdk.json'), 'utf8')) as {
  context: Record<string, unknown>;
};

export function devConfig(): FleetConfig {
  return fleetConfig('dev');
}

/** The example of this name in fleets/. */
export function fleetConfig(name: string): FleetConfig {
  return loadFleetConfig(path.join(repositoryRoot, `fleets/${name}.yaml`));
}

/** A fleet without bundled daemons, by the part of the stack name after the fleet's. */
export interface SynthesizedFleet {
  readonly templates: Readonly<Record<string, Template>>;
  /** Texts of the stack's machines by the path that they are fetched to. */
  readonly files: (part: string) => Readonly<Record<string, string>>;
}

export function synthesizeFleet(config: FleetConfig): SynthesizedFleet {
  const app = new App({ context: { ...cdkContext, 'aws:cdk:bundling-stacks': [] } });
  addFleet(app, config);
  const partOf = (stackName: string) => stackName.slice(config.name.length + 1);
  const texts = new Map<string, string>();
  for (const node of app.node.findAll()) {
    if (node instanceof FileAsset && node.text !== undefined) {
      texts.set(`${partOf(Stack.of(node).stackName)} ${node.sha256}`, node.text);
    }
  }
  const templates = Object.fromEntries(
    app
      .synth()
      .stacks.map(({ stackName, template }) => [
        partOf(stackName),
        Template.fromJSON(template as Record<string, unknown>),
      ]),
  );
  return {
    templates,
    files: (part) =>
      Object.fromEntries(
        fetchesOf(userDataOf(templates[part]!)).flatMap(({ file, sha256 }) => {
          const text = texts.get(`${part} ${sha256}`);
          return text === undefined ? [] : [[file, text]];
        }),
      ),
  };
}

/** The fleet's templates by the part of the stack name after the fleet's, made without bundling the daemons. */
export function fleetTemplates(config: FleetConfig): Readonly<Record<string, Template>> {
  return synthesizeFleet(config).templates;
}

/** The boot script of the only launch template in `template`, with `Ref`s and the like as their names. */
export function userDataOf(template: Template): string {
  const [launchTemplate] = Object.values(template.findResources('AWS::EC2::LaunchTemplate'));
  const parts = launchTemplate?.['Properties'].LaunchTemplateData.UserData['Fn::Base64']['Fn::Join'][1] as unknown[];
  return parts.map((part) => (typeof part === 'string' ? part : Object.values(part as object).join())).join('');
}

/** What a boot script fetches and compares. */
export function fetchesOf(script: string): { readonly file: string; readonly sha256: string }[] {
  const lines = script.matchAll(/^fetch \S+\/[0-9a-f]{64}\.\w+ (\S+) ([0-9a-f]{64})$/gm);
  return [...lines].map(([, file, sha256]) => ({ file: file!, sha256: sha256! }));
}
