import { z } from 'zod';
import { sglangFlags } from './engine-flags.ts';
import { arn, availabilityZone, count, image, imageShape, instanceType, section, share, slug, text } from './fields.ts';
import { isLibraryName, libraryModels } from './model-library.ts';
import { modelOverrides } from './model-schema.ts';

const reservationId = text(/^cr-[0-9a-f]{8,17}$/, 'write a reservation id such as cr-0123456789abcdef0');

const purchase = section({
  onDemandBase: count(0, 1_000).default(0).describe('Workers that are always on demand.'),
  onDemandShare: share()
    .default(1)
    .describe('Share of the workers above the base that is on demand; the rest is Spot.'),
  capacityReservations: z
    .enum(['none', 'first', 'only'])
    .default('none')
    .describe('Whether open capacity reservations are used: first, then on demand; or nothing else.'),
  reservationIds: z.array(reservationId).default([]).describe('Targeted reservations or capacity blocks.'),
  capacityBlock: section({
    zone: availabilityZone.describe('Zone of the block, one of the fleet.'),
    reservationId: reservationId.describe('Reservation of the block.'),
  })
    .optional()
    .describe('A bought block of GPU capacity: all workers run in it and end with it.'),
});

const warmPool = section({
  size: count(1, 1_000).describe('Stopped workers with weights and caches on disk, paid for their disks only.'),
  reuseOnScaleIn: z.boolean().default(true).describe('Stop a worker that is scaled in instead of ending it.'),
});

const scaling = section({
  targetUtilization: share()
    .min(0.1)
    .default(0.7)
    .describe("Share of running plus waiting requests in a worker's capacity that the group aims at."),
  targetQueueSeconds: z
    .number()
    .min(0.1)
    .max(600)
    .default(2)
    .describe('Time that requests wait in the routers above which workers are added, whatever the utilisation.'),
  scaleInCooldownSeconds: count(60, 7_200).default(600).describe('Time after which fewer requests mean fewer workers.'),
  predictive: z.boolean().default(false).describe('Also add workers ahead of a daily or weekly pattern.'),
});

const schedule = section({
  name: slug.describe('Name of the schedule, once in the group.'),
  cron: text(/^(\S+ ){4}\S+$/, 'write five fields: minute hour day month weekday').describe(
    'When it happens: minute, hour, day, month, weekday.',
  ),
  timeZone: text(/^[A-Za-z_+-]+(\/[A-Za-z0-9_+-]+)*$/, 'write a time zone such as Europe/Berlin')
    .default('UTC')
    .describe('Whose hours those are.'),
  min: count(0, 1_000).optional().describe('Fewest workers from then on.'),
  max: count(0, 1_000).optional().describe('Most workers from then on.'),
}).refine(({ min, max }) => min !== undefined || max !== undefined, 'give min, max or both');

const updates = section({
  minHealthyPercent: count(0, 100).default(100).describe('Share of the group that keeps serving during a deployment.'),
  maxHealthyPercent: count(100, 200)
    .default(200)
    .describe('Above 100, replacements start first, which takes GPUs that are free. 100 needs none.'),
});

/** Image Builder's own role may read no other parameters. */
const readableByImageBuilder = /^\/(aws\/service|imagebuilder)\//;

const imageBuild = section({
  parent: image
    .refine(({ ssmParameter }) => ssmParameter === undefined || readableByImageBuilder.test(ssmParameter), {
      path: ['ssmParameter'],
      error: 'Image Builder reads parameters below /aws/service/ and /imagebuilder/ only: give the id',
    })
    .describe('Image that SGLang is put into, Amazon Linux 2023 with the GPU driver.'),
  withWeights: z
    .boolean()
    .default(false)
    .describe('Put the weights into the image as well, from where the workers would get them; up to some 30 GiB.'),
  instanceType: instanceType.default('m7i.2xlarge').describe('Machine that builds and tests the image.'),
});

const workerImage = section({
  ...imageShape,
  build: imageBuild.optional().describe('An image of your own, by a pipeline of EC2 Image Builder that you start.'),
})
  .refine(({ id, ssmParameter, build }) => [id, ssmParameter, build].filter((it) => it !== undefined).length === 1, {
    error: 'give one of id, ssmParameter and build',
  })
  .describe('Machine image, Amazon Linux 2023.');

const weights = section({
  from: z.enum(['huggingface', 's3', 'image']).describe('Where workers get the weights.'),
  uri: text(/^s3:\/\/[a-z0-9.-]{3,63}\/.+[^/]$/, 'write a folder such as s3://bucket/models/qwen')
    .optional()
    .describe('Folder in S3 with the files of the model.'),
  stream: z
    .boolean()
    .default(false)
    .describe('Load them from S3 straight into the GPUs, with the Run:ai streamer, instead of by way of the disk.'),
  tokenSecretArn: arn('secretsmanager', 'arn:aws:secretsmanager:us-east-1:123456789012:secret:hf-AbCdEf')
    .optional()
    .describe('Secret with a Hugging Face token, for gated models.'),
})
  .refine(({ from, uri }) => (from === 's3') === (uri !== undefined), {
    path: ['uri'],
    error: 'give a uri exactly for s3',
  })
  .refine(({ from, stream }) => from === 's3' || !stream, {
    path: ['stream'],
    error: 'only weights in s3 can be streamed',
  })
  .refine(({ from, tokenSecretArn }) => from === 'huggingface' || tokenSecretArn === undefined, {
    path: ['tokenSecretArn'],
    error: 'only huggingface takes a token',
  });

const sglang = section({
  version: text(/^\d+\.\d+\.\d+([a-z0-9.]+)?$/, 'pin one SGLang release, such as 0.5.23').describe(
    'Installed at boot unless the image has it in /opt/sglang.',
  ),
  container: text(/^[\w.:/-]+@sha256:[0-9a-f]{64}$/, 'pin an image by its digest: name@sha256:...')
    .optional()
    .describe('A container image to run instead, pinned by digest.'),
  tensorParallel: count(1, 64)
    .optional()
    .describe('GPUs that share one model. @default - that of the model library, else all GPUs'),
  flags: sglangFlags.default({}).describe('Any other SGLang flag; wins over the model library.'),
});

export const workerGroupSchema = section({
  name: slug.describe('Name of the group, once in the fleet.'),
  model: z
    .string()
    .refine((model) => !isLibraryName(model) || libraryModels.includes(model), {
      error: `models/ has ${libraryModels.join(', ')}; a Hugging Face repository is written owner/name`,
    })
    .describe('A name of the model library, or a Hugging Face repository owner/name.'),
  modelOverrides: modelOverrides
    .prefault({})
    .describe('What is different from the library, or what is to be known of a model that it does not have.'),
  instanceTypes: z
    .array(instanceType)
    .min(1)
    .max(20)
    .optional()
    .describe('In order of preference, with the same number of GPUs. @default - those of the model library'),
  image: workerImage,
  volumeGiB: count(50, 16_384).describe('Root volume; holds the weights unless there is an instance store.'),
  volumeMiBps: count(125, 2_000)
    .default(500)
    .describe('Throughput of the root volume: the time to load weights follows from it.'),
  min: count(0, 1_000).describe('Fewest workers; 0 scales to zero, and the first request waits for a start.'),
  max: count(1, 1_000).describe('Most workers.'),
  purchase: purchase.prefault({}).describe('How the machines are paid for.'),
  warmPool: warmPool.optional().describe('Workers that are prepared and stopped. @default - none'),
  scaling: scaling.prefault({}).describe('When there are more workers, and when fewer.'),
  schedules: z.array(schedule).max(50).default([]).describe('Other bounds at certain times.'),
  updates: updates.prefault({}).describe('How a deployment replaces workers.'),
  weights: weights.prefault({ from: 'huggingface' }).describe('Where the weights come from.'),
  maxSandboxes: count(0, 10_000).default(8).describe('Sessions whose agents may run on one worker.'),
  sandboxMemoryMb: count(0, 1_048_576)
    .default(256)
    .describe('Memory that one of them may have for itself, in MiB; 0 sets no limit.'),
  startMinutes: count(5, 120).default(30).describe('A worker that has not generated by then is given up.'),
  drainSeconds: count(0, 7_000).default(660).describe('How long a worker that goes away may finish its requests.'),
  sglang: sglang.describe('The engine and its settings.'),
})
  .refine(({ image: { build }, weights: { from, stream } }) => !build?.withWeights || (from !== 'image' && !stream), {
    path: ['image', 'build', 'withWeights'],
    error: 'say in weights where the image gets them: from huggingface or s3, not streamed',
  })
  .refine((group) => group.min <= group.max, { path: ['min'], error: 'must not exceed max' })
  .refine(({ purchase: { capacityBlock, onDemandShare } }) => capacityBlock === undefined || onDemandShare === 1, {
    path: ['purchase', 'onDemandShare'],
    error: 'a capacity block holds no Spot workers: leave it 1',
  })
  .refine(({ warmPool: pool, purchase: { capacityBlock } }) => pool === undefined || capacityBlock === undefined, {
    path: ['warmPool'],
    error: 'a capacity block is paid whether its machines are stopped or not: leave the warm pool out',
  });
export type WorkerGroupFile = z.infer<typeof workerGroupSchema>;
