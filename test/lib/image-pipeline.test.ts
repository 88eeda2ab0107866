import { execFileSync } from 'node:child_process';
import type { Template } from 'aws-cdk-lib/assertions';
import { parse } from 'yaml';
import type { FleetConfig, WorkerGroupConfig } from '../../lib/config/schema.ts';
import { workerGroupSchema } from '../../lib/config/worker-schema.ts';
import { builtImage } from '../../lib/image-pipeline/built-image.ts';
import { fleetNames } from '../../lib/names.ts';
import { devConfig, filesOf, fleetTemplates, userDataOf } from '../support/fleet-templates.ts';

const dev = devConfig();
const parent = { ssmParameter: '/aws/service/deeplearning/ami/x86_64/latest/ami-id' };
const tokenSecretArn = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:hf-AbCdEf';

function group(build: object = {}, changes: Partial<WorkerGroupConfig> = {}): WorkerGroupConfig {
  return {
    ...dev.workers[0]!,
    image: { build: { parent, withWeights: false, instanceType: 'm7i.2xlarge', ...build } },
    ...changes,
  };
}
const fleetOf = (worker: WorkerGroupConfig): FleetConfig => ({ ...dev, workers: [worker] });
const imageOf = (worker: WorkerGroupConfig) => builtImage(worker, fleetNames(dev), dev.region)!;
const templates = fleetTemplates(fleetOf(group()));
const image = templates['image-small']!;
const workers = templates['workers-small']!;

const propertiesOf = (template: Template, type: string) =>
  Object.values(template.findResources(`AWS::${type}`))[0]!['Properties'];
/** Bash of all steps of a phase. */
function scriptsOf(worker: WorkerGroupConfig, phase: string): string[] {
  const { phases } = parse(imageOf(worker).document) as {
    phases: { name: string; steps: { inputs: { commands: string[] } }[] }[];
  };
  return phases.find(({ name }) => name === phase)!.steps.map(({ inputs }) => inputs.commands.join('\n'));
}
const builds = (worker: WorkerGroupConfig) => scriptsOf(worker, 'build').join('\n');

test('a fleet that builds no image has no stack for one', () => {
  expect(fleetTemplates(dev)).not.toHaveProperty('image-small');
});

test('SGLang is in the image at the version that the group pins, and is checked there', () => {
  expect(builds(group())).toContain("pip install -q --no-cache-dir 'sglang==0.5.23'");
  for (const phase of ['validate', 'test']) expect(scriptsOf(group(), phase).join()).toContain('== "0.5.23"');
});

test('the packages that every boot would install are in the image', () => {
  const [, packages] = /^retry dnf install -y -q (.+)$/m.exec(userDataOf(workers))!;
  expect(builds(group())).toContain(`retry dnf install -y -q ${packages}\n`);
});

test.each([
  group(),
  group({ withWeights: true }, { weights: { from: 'huggingface', stream: false, tokenSecretArn } }),
  group({ withWeights: true }, { weights: { from: 's3', stream: false, uri: 's3://bucket/qwen' } }),
  group({ withWeights: true }, { sglang: { ...dev.workers[0]!.sglang, container: `x@sha256:${'a'.repeat(64)}` } }),
])('every step is valid bash that stops at the first failure', (worker) => {
  for (const script of ['build', 'validate', 'test'].flatMap((phase) => scriptsOf(worker, phase))) {
    execFileSync('bash', ['-n'], { input: script });
    expect(script).toMatch(/^set -euo pipefail\n/);
  }
});

test('weights come from where the workers would get them, and workers then use those of the image', () => {
  const worker = group({ withWeights: true });
  expect(builds(worker)).toContain('get("Qwen/Qwen3-0.6B", local_dir="/opt/models/Qwen/Qwen3-0.6B")');
  const files = filesOf(fleetTemplates(fleetOf(worker))['workers-small']!);
  expect(files['/etc/systemd/system/fleet-runner.service']).toContain('--model /opt/models/Qwen/Qwen3-0.6B ');
});

test('a token of Hugging Face is read by the machine that builds, and by no worker', () => {
  const worker = group({ withWeights: true }, { weights: { from: 'huggingface', stream: false, tokenSecretArn } });
  const { 'image-small': builder, 'workers-small': booted } = fleetTemplates(fleetOf(worker));
  expect(JSON.stringify(propertiesOf(builder!, 'IAM::Policy'))).toContain(tokenSecretArn);
  expect(JSON.stringify(booted!.toJSON())).not.toContain(tokenSecretArn);
});

test('workers boot what the pipeline leaves in its parameter, which Image Builder may write', () => {
  const [{ SsmParameterConfigurations: parameters }] = propertiesOf(
    image,
    'ImageBuilder::DistributionConfiguration',
  ).Distributions;
  expect(parameters).toEqual([{ ParameterName: imageOf(group()).parameterName, DataType: 'aws:ec2:image' }]);
  expect(parameters[0].ParameterName).toMatch(/^\/imagebuilder\//);
  const booted = Object.values(workers.toJSON()['Parameters'] as Record<string, { Default: string }>);
  expect(booted.map((parameter) => parameter.Default)).toContain(parameters[0].ParameterName);
});

test('whatever changes the image changes its versions and its parameter; what does not leaves them alone', () => {
  const of = (worker: WorkerGroupConfig) => {
    const { componentVersion, recipeVersion, parameterName } = imageOf(worker);
    return [componentVersion, recipeVersion, parameterName];
  };
  const { sglang } = dev.workers[0]!;
  const others = [
    group({}, { sglang: { ...sglang, version: '0.5.22' } }),
    group({ withWeights: true }),
    group({ parent: { id: 'ami-0123456789abcdef0' } }),
    group({}, { volumeGiB: 300 }),
  ];
  for (const other of others) {
    of(other).forEach((value, index) => {
      expect(value).not.toBe(of(group())[index]);
    });
  }
  expect(of(group({}, { max: 9 }))).toEqual(of(group()));
  expect(of(group())).toEqual(of(group()));
});

// Image Builder: three numbers below 2^30.
test('versions are what Image Builder takes', () => {
  const { componentVersion, recipeVersion } = imageOf(group());
  expect(componentVersion).toMatch(/^1\.\d{1,8}\.\d{1,8}$/);
  expect(recipeVersion).toMatch(/^\d{1,8}\.\d{1,8}\.x$/);
});

test('the parent is looked up when an image is built, so that the template stays the same', () => {
  expect(propertiesOf(image, 'ImageBuilder::ImageRecipe').ParentImage).toBe(`ssm:${parent.ssmParameter}`);
  const pinned = fleetTemplates(fleetOf(group({ parent: { id: 'ami-0123456789abcdef0' } })))['image-small']!;
  expect(propertiesOf(pinned, 'ImageBuilder::ImageRecipe').ParentImage).toBe('ami-0123456789abcdef0');
});

test('the image is encrypted, holds as much as the volume of a worker, and is tested on a machine of its own', () => {
  expect(propertiesOf(image, 'ImageBuilder::ImageRecipe').BlockDeviceMappings).toEqual([
    {
      DeviceName: '/dev/xvda',
      Ebs: { Encrypted: true, VolumeSize: 150, VolumeType: 'gp3', DeleteOnTermination: true },
    },
  ]);
  expect(propertiesOf(image, 'ImageBuilder::ImagePipeline').ImageTestsConfiguration.ImageTestsEnabled).toBe(true);
});

test('the machine that builds is private, answers metadata for a token only, and ends when it fails', () => {
  expect(propertiesOf(image, 'ImageBuilder::InfrastructureConfiguration')).toMatchObject({
    InstanceTypes: ['m7i.2xlarge'],
    InstanceMetadataOptions: { HttpTokens: 'required' },
    TerminateInstanceOnFailure: true,
  });
  expect(propertiesOf(image, 'EC2::SecurityGroup')).not.toHaveProperty('SecurityGroupIngress');
});

test('old images go with their snapshots, but neither the newest nor those that machines were started from', () => {
  const { PolicyDetails: details, ResourceSelection: selection } = propertiesOf(image, 'ImageBuilder::LifecyclePolicy');
  expect(selection).toEqual({ Recipes: [{ Name: 'sglang-dev-workers-small', SemanticVersion: 'x.x.x' }] });
  expect(details).toEqual([
    {
      Action: { Type: 'DELETE', IncludeResources: { Amis: true, Snapshots: true } },
      Filter: { Type: 'COUNT', Value: 5 },
      ExclusionRules: { Amis: { LastLaunched: { Unit: 'WEEKS', Value: 26 } } },
    },
  ]);
});

test.each<[string, object, RegExp]>([
  ['a parent that Image Builder cannot read', { build: { parent: { ssmParameter: '/my/image' } } }, /give the id/],
  [
    'weights that are to come from the image itself',
    { build: { parent, withWeights: true }, weights: { from: 'image' } },
    /from huggingface or s3/,
  ],
  [
    'weights that are streamed',
    { build: { parent, withWeights: true }, weights: { from: 's3', uri: 's3://bucket/m', stream: true } },
    /not streamed/,
  ],
])('%s is refused', (_mistake, { build, weights }: { build?: object; weights?: object }, advice) => {
  const file = { name: 'a', model: 'qwen3-8b', volumeGiB: 150, min: 0, max: 1, sglang: { version: '0.5.23' } };
  const { error } = workerGroupSchema.safeParse({ ...file, image: { build }, ...(weights && { weights }) });
  expect(error?.issues.map((issue) => issue.message).join()).toMatch(advice);
});

test('workers do not wait for a pipeline that takes an hour', () => {
  expect(JSON.stringify(workers.toJSON())).not.toContain('ImageBuilder');
});
