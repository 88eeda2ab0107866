import { type FleetConfig, fleetSchema } from '../../lib/config/schema.ts';
import { configFields } from '../../lib/config/schema-walk.ts';
import { configOf, type FieldValues, type FleetFileName, fleetContent, withValues } from '../support/fleet-file.ts';
import { synthesizeFleet } from '../support/fleet-templates.ts';

/** How to change one field of a valid fleet so that it stays valid. */
interface Change {
  /** Other values that the field needs. @default - none */
  readonly given?: FieldValues;
  readonly to: unknown;
  /** Other values that have to change with it. @default - none */
  readonly and?: FieldValues;
  /** @default 'dev' */
  readonly in?: FleetFileName;
}

const arn = (service: string, resource: string) => `arn:aws:${service}:us-east-1:123456789012:${resource}`;
const subnets = (letter: string) => [1, 2].map((zone) => `subnet-0000000${letter}${zone}`);
const existing = {
  'network.cidr': undefined,
  'network.natGateways': undefined,
  'network.existing': {
    vpcId: 'vpc-00000001',
    cidr: '10.40.0.0/16',
    privateSubnetIds: subnets('a'),
    publicSubnetIds: subnets('b'),
  },
};
const block = {
  'workers.0.instanceTypes': ['p5.48xlarge'],
  'workers.0.purchase.capacityBlock': { zone: 'us-east-1a', reservationId: 'cr-00000001' },
};
const schedule = { 'workers.0.schedules': [{ name: 'day', cron: '0 8 * * *', min: 1, max: 2 }] };
const agent = { agents: [{ name: 'researcher', command: ['python3', '/opt/researcher.py'] }] };
const script = { agents: [{ name: 'researcher', script: '/opt/researcher.mjs' }] };
const budget = { budget: { monthlyUsd: 100, emails: ['owner@example.com'] } };
const pinned = 'ami-0123456789abcdef0';
const builtFrom = (parent: object) => ({ 'workers.0.image': { build: { parent } } });
const digest = (digit: string) => `lmsysorg/sglang@sha256:${digit.repeat(64)}`;

/** One change for every field of the schema; a list's fields are those of its first element. */
const changes: Readonly<Record<string, Change>> = {
  name: { to: 'other' },
  account: { to: '123456789012' },
  region: { to: 'us-east-2', and: { 'network.availabilityZones': ['us-east-2a', 'us-east-2b'] } },
  'network.availabilityZones': { to: ['us-east-1a', 'us-east-1c'] },
  'network.cidr': { to: '10.50.0.0/16' },
  'network.natGateways': { to: 2 },
  'network.existing.vpcId': { given: existing, to: 'vpc-00000002' },
  // Endpoints let in the addresses of the VPC.
  'network.existing.cidr': { given: { ...existing, 'network.endpoints': ['ssm'] }, to: '10.50.0.0/16' },
  'network.existing.privateSubnetIds': { given: existing, to: subnets('c') },
  'network.existing.publicSubnetIds': {
    given: {
      ...existing,
      'routers.loadBalancer': {
        kind: 'network',
        internetFacing: true,
        certificateArn: arn('acm', 'certificate/one'),
      },
    },
    to: subnets('c'),
  },
  'network.endpoints': { to: ['ssm'] },
  'network.flowLogs': { to: false },
  'routers.count': { in: 'production', to: 3 },
  'routers.instanceType': { to: 't3.large' },
  'routers.image.id': { given: { 'routers.image': { id: pinned } }, to: 'ami-0123456789abcdef1' },
  'routers.image.ssmParameter': { to: '/my/image' },
  'routers.volumeGiB': { to: 30 },
  'routers.policy': { to: 'round-robin' },
  'routers.engine': { to: 'sglang-router' },
  'routers.loadBalancer.kind': { in: 'production', to: 'application', and: { 'routers.holdSeconds': 600 } },
  'routers.loadBalancer.internetFacing': {
    in: 'production',
    given: { 'routers.loadBalancer.certificateArn': arn('acm', 'certificate/one') },
    to: true,
  },
  'routers.loadBalancer.certificateArn': { in: 'production', to: arn('acm', 'certificate/one') },
  // Network load balancers log connections with TLS only.
  'routers.loadBalancer.accessLogs': {
    in: 'production',
    given: { 'routers.loadBalancer.certificateArn': arn('acm', 'certificate/one') },
    to: false,
  },
  'routers.allowedNetworks': { to: ['10.0.0.0/8'] },
  'routers.operatorNetworks': { to: ['10.0.0.0/8'] },
  'routers.apiKeysSecretArn': { to: arn('secretsmanager', 'secret:keys-AbCdEf') },
  'routers.requireKeys': { to: false },
  'routers.store.kind': { in: 'production', given: { 'routers.count': 1 }, to: 'embedded' },
  'routers.store.volumeGiB': { given: { 'routers.store.kind': 'embedded' }, to: 20 },
  'routers.store.minCapacity': { in: 'production', to: 1 },
  'routers.store.maxCapacity': { in: 'production', to: 16 },
  'routers.store.standby': { in: 'production', to: false },
  'routers.store.backupDays': { in: 'production', to: 30 },
  'routers.store.deletionProtection': { in: 'production', to: false },
  'routers.generationSeconds': { to: 300 },
  'routers.drainSeconds': { to: 700 },
  'routers.holdSeconds': { to: 1_200 },
  'routers.sessionIdleMinutes': { to: 5 },
  'workers[].name': { to: 'large' },
  'workers[].model': { to: 'qwen3-8b' },
  'workers[].modelOverrides.path': { to: '/opt/models/qwen' },
  'workers[].modelOverrides.weightsGiB': { to: 200 },
  'workers[].modelOverrides.quantization': { to: 'nvfp4' },
  'workers[].modelOverrides.contextTokens': { to: 1_000_000 },
  'workers[].modelOverrides.kvBytesPerToken': { to: 1_000_000 },
  'workers[].modelOverrides.kvHeads': { in: 'large', to: 1 },
  'workers[].modelOverrides.attentionHeads': { in: 'large', to: 12 },
  'workers[].modelOverrides.isGated': { to: true },
  'workers[].instanceTypes': { to: ['g6e.xlarge', 'g6.xlarge'] },
  'workers[].image.id': { given: { 'workers.0.image': { id: pinned } }, to: 'ami-0123456789abcdef1' },
  'workers[].image.ssmParameter': { to: '/my/image' },
  'workers[].image.build.parent.id': { given: builtFrom({ id: pinned }), to: 'ami-0123456789abcdef1' },
  'workers[].image.build.parent.ssmParameter': {
    given: builtFrom({ ssmParameter: '/aws/service/one' }),
    to: '/aws/service/another',
  },
  'workers[].image.build.withWeights': { given: builtFrom({ id: pinned }), to: true },
  'workers[].image.build.instanceType': { given: builtFrom({ id: pinned }), to: 'm7i.4xlarge' },
  'workers[].volumeGiB': { to: 300 },
  'workers[].volumeMiBps': { to: 400 },
  'workers[].min': { to: 1 },
  'workers[].max': { to: 9 },
  'workers[].purchase.onDemandBase': { in: 'spot', to: 2 },
  'workers[].purchase.onDemandShare': { in: 'spot', to: 0.5 },
  'workers[].purchase.capacityReservations': { in: 'large', to: 'only' },
  'workers[].purchase.reservationIds': { in: 'large', to: ['cr-00000001'] },
  'workers[].purchase.capacityBlock.zone': { given: block, to: 'us-east-1b' },
  'workers[].purchase.capacityBlock.reservationId': { given: block, to: 'cr-00000002' },
  'workers[].warmPool.size': { in: 'production', to: 3 },
  'workers[].warmPool.reuseOnScaleIn': { in: 'production', to: false },
  'workers[].scaling.targetUtilization': { to: 0.5 },
  'workers[].scaling.targetQueueSeconds': { to: 5 },
  'workers[].scaling.scaleInCooldownSeconds': { to: 900 },
  'workers[].scaling.predictive': { to: true },
  'workers[].schedules[].name': { given: schedule, to: 'morning' },
  'workers[].schedules[].cron': { given: schedule, to: '0 9 * * *' },
  'workers[].schedules[].timeZone': { given: schedule, to: 'Europe/Berlin' },
  'workers[].schedules[].min': { given: schedule, to: 2 },
  'workers[].schedules[].max': { given: schedule, to: 1 },
  'workers[].updates.minHealthyPercent': { given: { 'workers.0.updates': { maxHealthyPercent: 150 } }, to: 50 },
  'workers[].updates.maxHealthyPercent': { to: 150 },
  'workers[].weights.from': { to: 's3', and: { 'workers.0.weights.uri': 's3://bucket/models/qwen' } },
  'workers[].weights.uri': {
    given: { 'workers.0.weights': { from: 's3', uri: 's3://bucket/models/qwen' } },
    to: 's3://other/models/qwen',
  },
  'workers[].weights.stream': {
    given: { 'workers.0.weights': { from: 's3', uri: 's3://bucket/models/qwen' } },
    to: true,
  },
  'workers[].weights.tokenSecretArn': {
    given: { 'workers.0.weights.from': 'huggingface' },
    to: arn('secretsmanager', 'secret:hf-AbCdEf'),
  },
  'workers[].maxSandboxes': { to: 4 },
  'workers[].sandboxMemoryMb': { to: 512 },
  'workers[].startMinutes': { to: 20 },
  'workers[].drainSeconds': { to: 700 },
  'workers[].sglang.version': { to: '0.5.22' },
  'workers[].sglang.container': { given: { 'workers.0.sglang.container': digest('a') }, to: digest('b') },
  'workers[].sglang.tensorParallel': { in: 'large', to: 4 },
  'workers[].sglang.flags': { to: { 'enable-mixed-chunk': true } },
  'agents[].name': { given: agent, to: 'assistant' },
  'agents[].script': { given: script, to: '/opt/assistant.mjs' },
  'agents[].command': { given: agent, to: ['/opt/assistant'] },
  'agents[].env': { given: agent, to: { MODE: 'fast' } },
  'agents[].cwd': { given: agent, to: '/opt' },
  'agents[].memoryMb': { given: agent, to: 512 },
  'agents[].startTimeoutSeconds': { given: agent, to: 60 },
  'agents[].turnTimeoutSeconds': { given: agent, to: 60 },
  'agents[].maxTurnBytes': { given: agent, to: 100_000 },
  'agents[].maxLineBytes': { given: agent, to: 100_000 },
  'agents[].warm': { given: agent, to: 1 },
  'logs.retentionDays': { to: 30 },
  'alarms.emails': { to: ['someone@example.com'] },
  'alarms.topicArn': { to: arn('sns', 'on-call') },
  'alarms.firstTokenSeconds': { to: 3 },
  'alarms.noWorkerMinutes': { to: 9 },
  'budget.monthlyUsd': { given: budget, to: 200 },
  'budget.emails': { given: budget, to: ['other@example.com'] },
  tags: { to: { project: 'other' } },
};

const known = new Map<string, string>();

/** All stacks. Files that machines fetch are in them by the digest of their content. */
function rendered(config: FleetConfig): string {
  const key = JSON.stringify(config);
  const stacks = known.get(key) ?? JSON.stringify(synthesizeFleet(config));
  known.set(key, stacks);
  return stacks;
}

function contentOf(change: Change, values: FieldValues) {
  return withValues(fleetContent(change.in ?? 'dev'), { ...change.given, ...values });
}

const cases = Object.entries(changes).map(([field, change]): [string, Change, string] => [
  field,
  change,
  field.replaceAll('[]', '.0'),
]);

test('there is a change for every field of the schema', () => {
  expect(Object.keys(changes).sort()).toEqual(
    configFields(fleetSchema)
      .map((field) => field.path)
      .sort(),
  );
});

describe.each(cases)('%s', (_field, change, place) => {
  const before = contentOf(change, {});
  const after = withValues(before, { [place]: change.to, ...change.and });
  test('changes the stacks', () => {
    expect(rendered(configOf(after)) === rendered(configOf(before))).toBe(false);
  });
});

test('two runs over the same config give the same templates', () => {
  const production = configOf(fleetContent('production'));
  expect(JSON.stringify(synthesizeFleet(production))).toBe(JSON.stringify(synthesizeFleet(production)));
});
