import { type FieldValues, type FleetFileName, findingsIn } from '../support/fleet-file.ts';

const keyOf = (region: string, account = '123456789012') =>
  `arn:aws:secretsmanager:${region}:${account}:secret:keys-AbCdEf`;
const certificateArn = 'arn:aws:acm:us-east-1:123456789012:certificate/one';
const workerImage = (architecture: string) => ({
  ssmParameter: `/aws/service/deeplearning/ami/${architecture}/latest/ami-id`,
});
const ownVpc = (subnets: string[]): FieldValues => ({
  'network.cidr': undefined,
  'network.natGateways': undefined,
  'network.existing': { vpcId: 'vpc-00000001', cidr: '10.0.0.0/16', privateSubnetIds: subnets },
});
const schedule = (values: object) => ({
  'workers.0.schedules': [{ name: 'day', cron: '0 8 * * *', min: 1, ...values }],
});
const secondGroup = (values: object) => ({
  'workers.1': {
    name: 'second',
    model: 'qwen3-0.6b',
    image: workerImage('x86_64'),
    volumeGiB: 150,
    min: 0,
    max: 1,
    sglang: { version: '0.5.23' },
    ...values,
  },
});

type Case = readonly [what: string, fleet: FleetFileName, values: FieldValues, path: string, advice: RegExp];

const mistakes: readonly Case[] = [
  // GPU memory
  [
    'weights that are larger than a GPU',
    'dev',
    { 'workers.0.model': 'qwen3-32b', 'workers.0.instanceTypes': ['g6.xlarge'] },
    'workers.0.instanceTypes.0',
    /weights take 32\.0 GiB, of 17\.9 GiB that SGLang may use: take g7e\.2xlarge or/,
  ],
  [
    'a context that the KV cache has no room for',
    'spot',
    { 'workers.0.sglang.flags': { 'context-length': 40_960 } },
    'workers.0.instanceTypes.0',
    /a context of 40,960 tokens takes 5\.6 GiB.*set the flag context-length to at most 26934/,
  ],
  [
    'a share of memory that leaves nothing to compute with',
    'dev',
    { 'workers.0.sglang.flags': { 'mem-fraction-static': 0.98 } },
    'workers.0.instanceTypes.0',
    /lower the flag mem-fraction-static/,
  ],
  [
    'a latent that each GPU keeps whole',
    'large',
    { 'workers.0.model': 'deepseek-v3.1', 'workers.0.instanceTypes': ['p5.48xlarge'] },
    'workers.0.instanceTypes.0',
    /weights take 80\.1 GiB on each of 8 GPUs/,
  ],
  // formats
  [
    'FP8 weights on Ampere',
    'production',
    { 'workers.0.instanceTypes': ['g5.12xlarge'], 'workers.0.sglang.tensorParallel': 4 },
    'workers.0.model',
    /^fp8 weights needs compute capability 8\.9 or above; g5\.12xlarge has NVIDIA A10G, 8\.6/,
  ],
  [
    'FP8 by a flag on Ampere',
    'dev',
    { 'workers.0.sglang.flags': { quantization: 'fp8' } },
    'workers.0.sglang.flags.quantization',
    /quantization fp8 needs .* g5\.xlarge/,
  ],
  [
    'an FP8 cache on Ampere',
    'dev',
    { 'workers.0.sglang.flags': { 'kv-cache-dtype': 'fp8_e4m3' } },
    'workers.0.sglang.flags.kv-cache-dtype',
    /8\.9 or above; g5\.xlarge/,
  ],
  [
    'FP4 weights on Ada',
    'dev',
    { 'workers.0.modelOverrides.quantization': 'nvfp4', 'workers.0.instanceTypes': ['g6.xlarge'] },
    'workers.0.model',
    /10\.0 or above; g6\.xlarge has NVIDIA L4, 8\.9/,
  ],
  [
    'MXFP4 weights on Ada',
    'dev',
    { 'workers.0.model': 'gpt-oss-20b', 'workers.0.instanceTypes': ['g6e.xlarge'] },
    'workers.0.model',
    /9\.0 or above/,
  ],
  // GPUs
  [
    'machines with different numbers of GPUs',
    'dev',
    { 'workers.0.instanceTypes': ['g6.xlarge', 'g6.12xlarge'] },
    'workers.0.instanceTypes',
    /same number of GPUs: g6\.xlarge has 1, g6\.12xlarge has 4/,
  ],
  [
    'more GPUs than there are',
    'dev',
    { 'workers.0.sglang.tensorParallel': 2 },
    'workers.0.sglang.tensorParallel',
    /needs 2 GPUs and g6\.xlarge has 1/,
  ],
  [
    'replicas that multiply the GPUs',
    'large',
    { 'workers.0.sglang.flags': { 'dp-size': 2 } },
    'workers.0.sglang.tensorParallel',
    /needs 16 GPUs and p5\.48xlarge has 8/,
  ],
  [
    'heads that do not divide',
    'large',
    { 'workers.0.modelOverrides.attentionHeads': 12 },
    'workers.0.sglang.tensorParallel',
    /8 GPUs cannot share 12 attention heads evenly: use 1, 2, 4$/,
  ],
  [
    'KV heads that do not divide',
    'large',
    { 'workers.0.modelOverrides.kvHeads': 6 },
    'workers.0.sglang.tensorParallel',
    /8 GPUs cannot share 6 KV heads/,
  ],
  [
    'a machine without a GPU',
    'dev',
    { 'workers.0.instanceTypes': ['m7i.xlarge'] },
    'workers.0.instanceTypes.0',
    /no GPU/,
  ],
  // images
  [
    'a router image for another CPU',
    'dev',
    { 'routers.instanceType': 't4g.small' },
    'routers.image.ssmParameter',
    /for x86_64 and t4g\.small is arm64/,
  ],
  [
    'a worker image for another CPU',
    'dev',
    { 'workers.0.image': workerImage('arm64') },
    'workers.0.image.ssmParameter',
    /for arm64 and g6\.xlarge is x86_64/,
  ],
  [
    'machines with different CPUs',
    'dev',
    { 'workers.0.instanceTypes': ['g6.xlarge', 'g5g.xlarge'] },
    'workers.0.instanceTypes',
    /one image boots them all/,
  ],
  // memory and disks
  [
    'sandboxes that do not fit in memory',
    'dev',
    { 'workers.0.maxSandboxes': 33 },
    'workers.0.maxSandboxes',
    /do not fit in the 16 GiB of g6\.xlarge: at most 32/,
  ],
  [
    'weights that a warm pool keeps on a small volume',
    'production',
    { 'workers.0.volumeGiB': 60 },
    'workers.0.volumeGiB',
    /29\.1 GiB of weights and 40 GiB .* at least 70/,
  ],
  [
    'weights that do not fit on the disk of the machine',
    'dev',
    { 'workers.0.modelOverrides.weightsGiB': 240, 'workers.0.weights': { from: 's3', uri: 's3://bucket/weights' } },
    'workers.0.instanceTypes',
    /do not fit on the 250 GB disk of g6\.xlarge/,
  ],
  [
    'a gated model without a token',
    'dev',
    { 'workers.0.model': 'llama-3.1-8b' },
    'workers.0.weights.tokenSecretArn',
    /^required: Hugging Face gives/,
  ],
  // network
  [
    'a zone of another region',
    'dev',
    { 'network.availabilityZones': ['us-east-1a', 'us-west-2b'] },
    'network.availabilityZones.1',
    /in the region of the fleet, us-east-1/,
  ],
  [
    'a zone twice',
    'dev',
    { 'network.availabilityZones': ['us-east-1a', 'us-east-1a'] },
    'network.availabilityZones.1',
    /once/,
  ],
  [
    'more NAT gateways than zones',
    'dev',
    { 'network.natGateways': 3 },
    'network.natGateways',
    /at most one per availability zone, 2/,
  ],
  [
    'a VPC without room for its subnets',
    'production',
    { 'network.cidr': '10.0.0.0/22' },
    'network.cidr',
    /between \/16.*\/21, which has room for 3 zones/,
  ],
  [
    'a subnet twice',
    'dev',
    ownVpc(['subnet-00000001', 'subnet-00000001']),
    'network.existing.privateSubnetIds',
    /once/,
  ],
  [
    'an address on the internet without public subnets',
    'dev',
    {
      ...ownVpc(['subnet-00000001', 'subnet-00000002']),
      'routers.loadBalancer': { kind: 'network', internetFacing: true, certificateArn },
    },
    'network.existing.publicSubnetIds',
    /^required/,
  ],
  [
    'no way to the internet and no endpoints',
    'dev',
    { 'network.natGateways': 0, 'network.endpoints': ['ssm', 'logs'] },
    'network.endpoints',
    /as well: monitoring, autoscaling, ec2, secretsmanager/,
  ],
  [
    'no way to the internet and weights that are there',
    'dev',
    { 'network.natGateways': 0 },
    'workers.0.weights.from',
    /out of reach: use s3 or image/,
  ],
  [
    'no way to the internet and a container that is there',
    'dev',
    { 'network.natGateways': 0, 'workers.0.sglang.container': `x@sha256:${'a'.repeat(64)}` },
    'workers.0.sglang.container',
    /endpoint ecr/,
  ],
  // names
  ['two groups of one name', 'dev', secondGroup({ name: 'small' }), 'workers.1.name', /another group has this name/],
  [
    'two schedules of one name',
    'dev',
    { 'workers.0.schedules': [1, 2].map((min) => ({ name: 'day', cron: '0 8 * * *', min })) },
    'workers.0.schedules.1.name',
    /another schedule/,
  ],
  // purchase
  [
    'more on demand than there are workers',
    'dev',
    { 'workers.0.purchase.onDemandBase': 3 },
    'workers.0.purchase.onDemandBase',
    /at most 2/,
  ],
  [
    'Spot workers in reservations',
    'dev',
    { 'workers.0.purchase': { capacityReservations: 'only', onDemandShare: 0 } },
    'workers.0.purchase.onDemandShare',
    /no Spot workers/,
  ],
  [
    'reservations that are not used',
    'dev',
    { 'workers.0.purchase.reservationIds': ['cr-00000001'] },
    'workers.0.purchase.capacityReservations',
    /only with first or only/,
  ],
  [
    'a capacity block in a zone without subnets',
    'dev',
    {
      'workers.0.instanceTypes': ['p5.4xlarge'],
      'workers.0.purchase.capacityBlock': { zone: 'us-east-1f', reservationId: 'cr-00000001' },
    },
    'workers.0.purchase.capacityBlock.zone',
    /us-east-1a, us-east-1b/,
  ],
  [
    'a capacity block of several types',
    'dev',
    { 'workers.0.purchase.capacityBlock': { zone: 'us-east-1a', reservationId: 'cr-00000001' } },
    'workers.0.instanceTypes',
    /machines of one type/,
  ],
  [
    'a capacity block beside reservations',
    'large',
    {
      'workers.0.instanceTypes': ['p5.48xlarge'],
      'workers.0.purchase': {
        capacityReservations: 'first',
        reservationIds: ['cr-00000002'],
        capacityBlock: { zone: 'us-east-1a', reservationId: 'cr-00000001' },
      },
    },
    'workers.0.purchase.reservationIds',
    /leave them out/,
  ],
  [
    'a warm pool of Spot workers',
    'production',
    { 'workers.0.purchase.onDemandShare': 0.5 },
    'workers.0.purchase.onDemandShare',
    /no warm pool/,
  ],
  [
    'a warm pool larger than the group',
    'production',
    { 'workers.0.warmPool.size': 13 },
    'workers.0.warmPool.size',
    /at most 12/,
  ],
  // schedules
  [
    'a schedule whose bounds cross',
    'dev',
    schedule({ min: 2, max: 1 }),
    'workers.0.schedules.0.min',
    /min, 2, exceeds max, 1/,
  ],
  ['a schedule above the group', 'dev', schedule({ max: 3 }), 'workers.0.schedules.0.max', /the group has at most 2/],
  [
    'a time zone that is none',
    'dev',
    schedule({ timeZone: 'Europe/Atlantis' }),
    'workers.0.schedules.0.timeZone',
    /no such time zone/,
  ],
  [
    'an hour that is none',
    'dev',
    schedule({ cron: '0 24 * * *' }),
    'workers.0.schedules.0.cron',
    /the hour 24 is none: write 0 to 23/,
  ],
  [
    'a weekday that is none',
    'dev',
    schedule({ cron: '0 8 * * MON-FRY' }),
    'workers.0.schedules.0.cron',
    /the weekday MON-FRY is none/,
  ],
  // updates
  [
    'bounds of a deployment that are too far apart',
    'dev',
    { 'workers.0.updates': { minHealthyPercent: 50 } },
    'workers.0.updates.maxHealthyPercent',
    /use 150 or less/,
  ],
  // other stacks
  [
    'a secret of another region',
    'dev',
    { 'routers.apiKeysSecretArn': keyOf('eu-west-1') },
    'routers.apiKeysSecretArn',
    /in eu-west-1 and the fleet in us-east-1/,
  ],
  // groups together
  [
    'two models that answer to one name',
    'dev',
    secondGroup({
      model: 'qwen3-8b',
      sglang: { version: '0.5.23', flags: { 'served-model-name': 'Qwen/Qwen3-0.6B' } },
    }),
    'workers.1.sglang.flags.served-model-name',
    /would answer to the same name as Qwen\/Qwen3-0\.6B/,
  ],
  // drains
  [
    'a worker that leaves before its generations end',
    'dev',
    { 'workers.0.drainSeconds': 300 },
    'workers.0.drainSeconds',
    /generationSeconds, 600 s, and a worker that leaves would cut it after 300 s/,
  ],
  [
    'a Spot worker that a deployment would cut',
    'spot',
    { 'routers.generationSeconds': 660, 'routers.drainSeconds': 700 },
    'workers.0.drainSeconds',
    /660 s, and a worker that leaves would cut it after 660 s/,
  ],
  [
    'a router that leaves before its answers end',
    'production',
    { 'routers.drainSeconds': 600 },
    'routers.drainSeconds',
    /a router that leaves would cut it after 600 s/,
  ],
];

const warnings: readonly Case[] = [
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

test.each(mistakes)('%s is a mistake', (_what, fleet, values, path, advice) => {
  const found = findingsIn(fleet, values).filter((finding) => finding.path.join('.') === path);
  expect(found.map((finding) => finding.advice).join('\n')).toMatch(advice);
  expect(found.some(({ isWarning }) => isWarning !== true)).toBe(true);
});

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
