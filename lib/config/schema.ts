import { z } from 'zod';
import { agentsSchema } from '../../runtime/shared/agent-schema.ts';
import { section, slug, text } from './fields.ts';
import type { LibraryModel } from './model-schema.ts';
import { networkSchema } from './network-schema.ts';
import { alarmsSchema, budgetSchema, logsSchema } from './operations-schema.ts';
import { routersSchema } from './router-schema.ts';
import { type WorkerGroupFile, workerGroupSchema } from './worker-schema.ts';

export type { SglangFlags } from './engine-flags.ts';
export type { EndpointService, NetworkConfig } from './network-schema.ts';
export type { RouterConfig } from './router-schema.ts';

/** They stand in the boot script of a worker, which may have 16 KiB in all. */
const maxAgentsLength = 6_000;

/** Machines are told their tags by name in a path of the instance metadata, which takes fewer characters than a tag. */
const tagKey = text(
  /^(?!aws:)(?!(\.{1,2}|_index)$)[\w+=.,@:-]{1,128}$/,
  'a tag is named with letters, digits and + - = . , _ : @, without spaces and slashes',
);

/** What a fleet file says. Every field reaches the stacks: `test/lib/config-use.test.ts` proves it. */
export const fleetSchema = section({
  name: slug.describe('Begins the name of every stack and group.'),
  account: z
    .string('put the account number in quotes')
    .regex(/^\d{12}$/, 'write the 12 digits')
    .optional()
    .describe('Pins the account. Without it the fleet goes to the account of whoever deploys.'),
  region: text(/^[a-z]{2}(-[a-z]+)+-\d$/, 'write a region such as us-east-1').describe('Region of everything.'),
  network: networkSchema.describe('Where the machines are.'),
  routers: routersSchema.describe('What clients talk to.'),
  workers: z.array(workerGroupSchema).min(1).max(20).describe('One group of GPU machines per model.'),
  agents: agentsSchema
    .refine((agents) => JSON.stringify(agents).length <= maxAgentsLength, {
      error: `too long: at most ${maxAgentsLength} characters as JSON`,
    })
    .default([])
    .describe('Programs that sessions may run beside the built-in agent chat; docs/agents.md.'),
  logs: logsSchema.describe('Logs of all machines.'),
  alarms: alarmsSchema.prefault({}).describe('What wakes somebody, and whom.'),
  budget: budgetSchema.optional().describe('A limit of cost that AWS watches. @default - none'),
  tags: z
    .record(tagKey, z.string().max(256))
    .default({})
    .describe('Tags of everything, besides the one that names the fleet.'),
});

export type FleetFile = z.infer<typeof fleetSchema>;
export type ImageConfig = FleetFile['routers']['image'];
export type AgentsConfig = FleetFile['agents'];
/** The part of a library model that a worker needs; all of it is known for models of the library only. */
export type WorkerModel = Pick<LibraryModel, 'path' | 'flags' | 'tensorParallel'> & Partial<LibraryModel>;
/** A worker group whose model has been looked up in the library. */
export type WorkerGroupConfig = Omit<WorkerGroupFile, 'model' | 'modelOverrides' | 'instanceTypes'> & {
  readonly model: WorkerModel;
  readonly instanceTypes: readonly string[];
};
export type FleetConfig = Omit<FleetFile, 'workers'> & { readonly workers: readonly WorkerGroupConfig[] };
