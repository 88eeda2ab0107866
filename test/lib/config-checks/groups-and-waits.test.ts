import { expectMistakes, schedule, secondGroup } from '../../support/config-mistakes.ts';

const keyOf = (region: string, account = '123456789012') =>
  `arn:aws:secretsmanager:${region}:${account}:secret:keys-AbCdEf`;

expectMistakes([
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
]);
