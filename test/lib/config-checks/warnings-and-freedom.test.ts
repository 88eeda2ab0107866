import { certificateArn, type MistakeCase, schedule, secondGroup } from '../../support/config-mistakes.ts';
import { type FieldValues, type FleetFileName, findingsIn } from '../../support/fleet-file.ts';

const keyOf = (region: string, account = '123456789012') =>
  `arn:aws:secretsmanager:${region}:${account}:secret:keys-AbCdEf`;

const warnings: readonly MistakeCase[] = [
  [
    'GPUs that do nothing',
    'large',
    {
      'workers.0.sglang.tensorParallel': 4,
      'workers.0.sglang.flags': { 'context-length': 8_192, 'mem-fraction-static': 0.9 },
      'workers.0.modelOverrides.weightsGiB': 200,
    },
    'workers.0.sglang.tensorParallel',
    /4 of 8 GPUs of p5\.48xlarge would do nothing.*dp-size to 2/,
  ],
  [
    'a machine that the data does not know',
    'dev',
    { 'workers.0.instanceTypes': ['g9.xlarge'] },
    'workers.0.instanceTypes.0',
    /not in lib\/data/,
  ],
  [
    'a region where a machine is not known to be',
    'dev',
    { region: 'eu-west-1', 'network.availabilityZones': ['eu-west-1a', 'eu-west-1b'] },
    'workers.0.instanceTypes.0',
    /g6\.xlarge is not known to be offered in eu-west-1, but in .*eu-central-1/,
  ],
  [
    'a machine that is sold in blocks only',
    'large',
    { 'workers.0.instanceTypes': ['p5e.48xlarge'], 'workers.0.purchase.capacityReservations': 'none' },
    'workers.0.instanceTypes.0',
    /capacity blocks only/,
  ],
  [
    'a GPU that kernels are not built for',
    'dev',
    { 'workers.0.instanceTypes': ['g4dn.xlarge'] },
    'workers.0.instanceTypes.0',
    /compute capability 8\.0 and above; g4dn\.xlarge has NVIDIA T4, 7\.5/,
  ],
  [
    'a model of which nothing is known',
    'dev',
    { 'workers.0.model': 'Qwen/Qwen3-4B' },
    'workers.0.model',
    /nothing is known of the memory/,
  ],
  [
    'a first request that gives up before a worker is there',
    'dev',
    { 'routers.holdSeconds': 600 },
    'workers.0.min',
    /1800 s, but routers hold it for 600 s/,
  ],
  [
    'a turn that the routers end',
    'dev',
    { agents: [{ name: 'researcher', command: ['python3'], turnTimeoutSeconds: 900 }] },
    'agents.0.turnTimeoutSeconds',
    /routers end a turn after routers\.generationSeconds, 600 s/,
  ],
  [
    'a hold that a load balancer with TLS cuts',
    'production',
    { 'routers.loadBalancer.certificateArn': certificateArn },
    'routers.holdSeconds',
    /silent for 350 s/,
  ],
  [
    'throughput that no machine takes',
    'dev',
    { 'workers.0.volumeMiBps': 1_000 },
    'workers.0.volumeMiBps',
    /g6\.xlarge takes at most 596 MiB\/s/,
  ],
  [
    'a secret of another account',
    'dev',
    { account: '000000000000', 'routers.apiKeysSecretArn': keyOf('us-east-1') },
    'routers.apiKeysSecretArn',
    /belongs to 123456789012/,
  ],
  [
    'groups of one model that take different requests',
    'dev',
    secondGroup({ sglang: { version: '0.5.23', flags: { 'context-length': 8_192 } } }),
    'workers.1.sglang.flags.context-length',
    /context of 40960 tokens and this one with 8192/,
  ],
  [
    'a budget that is spent by what is always there',
    'production',
    { 'budget.monthlyUsd': 1_000 },
    'budget.monthlyUsd',
    /cost 2,978 USD a month \(list price in us-east-1 on 2026-07-20\)/,
  ],
];

test.each(warnings)('%s is a warning', (_what, fleet, values, path, advice) => {
  const found = findingsIn(fleet, values).filter((finding) => finding.path.join('.') === path);
  expect(found.map((finding) => finding.advice).join('\n')).toMatch(advice);
  expect(found.every(({ isWarning }) => isWarning === true)).toBe(true);
});

test.each<[string, FleetFileName, FieldValues]>([
  [
    'as many GPUs as two replicas need',
    'large',
    {
      'workers.0.sglang.tensorParallel': 4,
      'workers.0.sglang.flags': { 'dp-size': 2 },
      'workers.0.modelOverrides.weightsGiB': 200,
    },
  ],
  [
    'replicas that share attention',
    'large',
    { 'workers.0.sglang.flags': { 'dp-size': 8, 'enable-dp-attention': true } },
  ],
  [
    'an FP8 cache, which has room for a longer context',
    'spot',
    {
      'workers.0.instanceTypes': ['g6.xlarge'],
      'workers.0.sglang.flags': { 'context-length': 40_960, 'kv-cache-dtype': 'fp8_e4m3' },
    },
  ],
  [
    'weights that become FP8 while they load',
    'dev',
    {
      'workers.0.instanceTypes': ['g6.xlarge'],
      'workers.0.model': 'qwen3-8b',
      'workers.0.sglang.flags': { quantization: 'fp8', 'context-length': 40_960 },
    },
  ],
  ['a shorter context than that of the model', 'spot', { 'workers.0.sglang.flags': { 'context-length': 16_384 } }],
  [
    'weights for Arm machines with an image for Arm',
    'dev',
    { 'routers.instanceType': 't4g.small', 'routers.image': { ssmParameter: '/al2023-ami-kernel-default-arm64' } },
  ],
  ['lists, ranges, steps and names in a schedule', 'dev', schedule({ cron: '*/15 8-18,20 1 JAN,MAR-MAY mon-fri' })],
  [
    'no NAT gateway with weights in S3 and all endpoints',
    'dev',
    {
      'network.natGateways': 0,
      'network.endpoints': ['ssm', 'logs', 'monitoring', 'autoscaling', 'ec2', 'secretsmanager'],
      'workers.0.weights': { from: 's3', uri: 's3://bucket/weights' },
    },
  ],
  ['a second group of the same model', 'dev', secondGroup({})],
])('%s is fine', (_what, fleet, values) => {
  expect(findingsIn(fleet, values)).toEqual([]);
});
