import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { App, type AppProps, Validations } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import type { IConstruct } from 'constructs';
import { loadFleetConfig } from '../../lib/config/load.ts';
import type { FleetConfig } from '../../lib/config/schema.ts';
import { FileAsset } from '../../lib/file-asset.ts';
import { addFleet } from '../../lib/fleet.ts';
import { ValidateOnce } from './validate-once.ts';

export const repositoryRoot = path.resolve(import.meta.dirname, '../..');

/** The feature flags that the CDK command line reads from cdk.json. */
const { context } = JSON.parse(readFileSync(path.join(repositoryRoot, 'cdk.json'), 'utf8')) as {
  context: Record<string, unknown>;
};

/** An app as the CDK command line makes it, without bundles of the daemons and what is for readers of its output. */
export const quickApp: AppProps = {
  context: { ...context, 'aws:cdk:bundling-stacks': [] },
  stackTraces: false,
  treeMetadata: false,
};

export function devConfig(): FleetConfig {
  return fleetConfig('dev');
}

/** The example of this name in fleets/. */
export function fleetConfig(name: string): FleetConfig {
  return loadFleetConfig(path.join(repositoryRoot, `fleets/${name}.yaml`));
}

const validation = new ValidateOnce();

export interface FleetStack {
  readonly name: string;
  /** Account and region, as the CDK writes them. */
  readonly environment: string;
  readonly template: Record<string, unknown>;
}

/** The fleet's stacks, which the CDK has found valid. */
export function synthesizeFleet(config: FleetConfig): FleetStack[] {
  const outdir = mkdtempSync(path.join(tmpdir(), 'fleet-templates-'));
  try {
    const app = new App({ ...quickApp, outdir });
    Validations.of(app).addPlugins(validation);
    addFleet(app, config);
    noteShippedTexts(app);
    return app.synth().stacks.map(({ stackName, environment, template }) => ({
      name: stackName,
      environment: environment.name,
      template: template as Record<string, unknown>,
    }));
  } finally {
    rmSync(outdir, { recursive: true });
  }
}

/** The fleet's templates by the part of the stack name after the fleet's. */
export function fleetTemplates(config: FleetConfig): Readonly<Record<string, Template>> {
  return Object.fromEntries(
    synthesizeFleet(config).map(({ name, template }) => [
      name.slice(config.name.length + 1),
      Template.fromJSON(template),
    ]),
  );
}

/** By their digest. */
const shippedTexts = new Map<string, string>();

/** Lets `filesOf` find the texts that machines of this tree fetch. */
export function noteShippedTexts(tree: IConstruct): void {
  for (const node of tree.node.findAll()) {
    if (node instanceof FileAsset && node.text !== undefined) shippedTexts.set(node.sha256, node.text);
  }
}

/** Texts that the machines of a stack fetch, by the path that they go to; not what is made on demand, such as bundles. */
export function filesOf(template: Template): Readonly<Record<string, string>> {
  return Object.fromEntries(
    fetchesOf(userDataOf(template)).flatMap(({ file, sha256 }) => {
      const text = shippedTexts.get(sha256);
      return text === undefined ? [] : [[file, text]];
    }),
  );
}

/** The boot script with the systemd units that it fetches written out in their places. */
export function bootTextOf(template: Template): string {
  const files = filesOf(template);
  return userDataOf(template).replaceAll(
    /^fetch \S+ (\/etc\/systemd\/\S+) \S+$/gm,
    (_line, file: string) => `cat >${file} <<'EOF'\n${files[file]}EOF`,
  );
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
