import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { z } from 'zod';
import { policyNames } from '../../runtime/router/policy/policies.ts';
import { agentsSchema } from '../../runtime/shared/agent-schema.ts';
import { isLibraryName, libraryModels } from './model-library.ts';

/** An object whose unknown fields are mistakes, reported with the fields that exist. */
function section<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `unknown field; fields here are ${Object.keys(shape).join(', ')}`
        : undefined,
  });
}

const text = (pattern: RegExp, advice: string) => z.string().regex(pattern, advice);
const count = (min: number, max: number) => z.int().min(min).max(max);
const slug = text(/^[a-z][a-z0-9-]{0,29}$/, 'use a lower-case letter, then up to 29 of a-z, 0-9 and -');
const ipv4Network = z.cidrv4({ error: 'write an IPv4 network such as 10.40.0.0/16' });
const instanceType = text(/^[a-z0-9-]+\.[a-z0-9-]+$/, 'write an EC2 instance type such as g6.xlarge');

const retentions = Object.values(RetentionDays).filter(
  (value): value is number => typeof value === 'number' && value <= 3_653,
);

const image = section({
  /** AMI id. Nothing changes until you change it. */
  id: text(/^ami-[0-9a-f]{8,17}$/, 'write an AMI id such as ami-0123456789abcdef0').optional(),
  /** Name of an SSM parameter that holds an AMI id; read at each deployment, which may then replace instances. */
  ssmParameter: text(/^\/[\w./-]+$/, 'write the name of an SSM parameter, which starts with /').optional(),
}).refine((value) => (value.id === undefined) !== (value.ssmParameter === undefined), 'give either id or ssmParameter');

/** Flags of the engine that the runner sets itself. */
const takenFlags = ['host', 'port', 'model', 'model-path'];

/** SGLang flags by their own names without the dashes; `true` for a flag without a value. */
const sglangFlags = z.record(
  text(/^[a-z][a-z0-9-]*$/, 'write SGLang flags without leading dashes, such as mem-fraction-static').refine(
    (flag) => !takenFlags.includes(flag),
    'the runner sets this flag itself',
  ),
  z.union([z.string(), z.number(), z.boolean()]),
);
export type SglangFlags = z.infer<typeof sglangFlags>;

/** One file of the model library, `models/NAME.yaml`. */
export const modelSchema = section({
  /** Hugging Face repository or a path on the worker. */
  path: z.string().min(1),
  /** Settings that suit the model; a worker group's own flags win. */
  flags: sglangFlags.default({}),
});

const router = section({
  instanceType,
  image,
  /** Root volume; holds the embedded store. */
  volumeGiB: count(8, 16_384),
  policy: z.enum(policyNames),
  /** How long a router that is stopped may finish its answers. */
  drainSeconds: count(0, 7_200).default(600),
  /** Networks that may reach port 8000. Workers always may. */
  allowedNetworks: z
    .array(
      ipv4Network.refine(
        (network) => !network.endsWith('/0'),
        'not the whole internet: the port has no TLS and no keys yet',
      ),
    )
    .default([]),
});

const workerGroup = section({
  name: slug,
  /** A name of the model library, or a Hugging Face repository `owner/name`. */
  model: z.string().refine((model) => !isLibraryName(model) || libraryModels.includes(model), {
    error: `models/ has ${libraryModels.join(', ')}; a Hugging Face repository is written owner/name`,
  }),
  instanceType,
  image,
  /** Root volume; holds the weights. */
  volumeGiB: count(50, 16_384),
  min: count(0, 1_000),
  max: count(1, 1_000),
  /** Sessions whose agents may run on one worker. */
  maxSandboxes: count(0, 10_000).default(8),
  /** Memory that one of them may have for itself, in MiB; 0 sets no limit. */
  sandboxMemoryMb: count(0, 1_048_576).default(256),
  /** How long a worker that goes away may finish its requests. */
  drainSeconds: count(0, 7_200).default(300),
  sglang: section({
    /** Installed at boot unless the image has it in /opt/sglang. */
    version: text(/^\d+\.\d+\.\d+([a-z0-9.]+)?$/, 'pin one SGLang release, such as 0.5.23'),
    flags: sglangFlags.default({}),
  }),
}).refine((group) => group.min <= group.max, { path: ['min'], error: 'must not exceed max' });

const network = section({
  /** Named here, so that making the templates needs no look-up and no account. */
  availabilityZones: z
    .array(text(/^[a-z]{2}(-[a-z]+)+-\d[a-z]$/, 'write a zone such as us-east-1a'))
    .min(2)
    .max(6),
  cidr: ipv4Network,
  /** 1 is cheapest; one per zone survives the loss of a zone. Workers fetch SGLang and weights through it. */
  natGateways: count(1, 6),
});

/** They stand in the boot script of a worker, which may have 16 KiB in all. */
const maxAgentsLength = 6_000;

/** What a fleet file says. Every field reaches the stacks: `test/lib/config-use.test.ts` proves it. */
export const fleetSchema = section({
  name: slug,
  /** Pins the account. Without it the fleet goes to the account of whoever deploys. */
  account: z
    .string('put the account number in quotes')
    .regex(/^\d{12}$/, 'write the 12 digits')
    .optional(),
  region: text(/^[a-z]{2}(-[a-z]+)+-\d$/, 'write a region such as us-east-1'),
  network,
  router,
  workers: z.array(workerGroup).min(1).max(1, 'one worker group for now'),
  /** Programs that sessions may run beside the built-in agent `chat`; docs/agents.md. */
  agents: agentsSchema
    .refine((agents) => JSON.stringify(agents).length <= maxAgentsLength, {
      error: `too long: at most ${maxAgentsLength} characters as JSON`,
    })
    .default([]),
  logs: section({
    retentionDays: z.literal(retentions, { error: `CloudWatch keeps logs for ${retentions.join(', ')} days` }),
  }),
  tags: z.record(z.string().min(1).max(128), z.string().max(256)).default({}),
})
  .refine((fleet) => fleet.network.availabilityZones.every((zone) => zone.startsWith(fleet.region)), {
    path: ['network', 'availabilityZones'],
    error: 'every zone must be in the region of the fleet',
  })
  .refine((fleet) => fleet.network.natGateways <= fleet.network.availabilityZones.length, {
    path: ['network', 'natGateways'],
    error: 'at most one per availability zone',
  });

export type FleetFile = z.infer<typeof fleetSchema>;
export type ImageConfig = FleetFile['router']['image'];
export type AgentsConfig = FleetFile['agents'];
export type RouterConfig = FleetFile['router'];
/** A worker group whose model has been looked up in the library. */
export type WorkerGroupConfig = Omit<FleetFile['workers'][number], 'model'> & {
  readonly model: { readonly path: string; readonly flags: SglangFlags };
};
export type FleetConfig = Omit<FleetFile, 'workers'> & { readonly workers: readonly WorkerGroupConfig[] };
