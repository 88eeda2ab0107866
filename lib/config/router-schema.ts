import { z } from 'zod';
import { policyNames } from '../../runtime/router/policy/policies.ts';
import { arn, count, image, instanceType, ipv4Network, secretArn, section } from './fields.ts';

const certificateArn = arn('acm', 'arn:aws:acm:us-east-1:123456789012:certificate/...');

const loadBalancer = section({
  kind: z
    .enum(['none', 'network', 'application'])
    .describe(
      'network: lowest cost per request, TLS passes through or ends there. application: WAF, access logs per request.',
    ),
  internetFacing: z.boolean().default(false).describe('Whether it has a public address. Needs TLS and API keys.'),
  certificateArn: certificateArn.optional().describe('TLS certificate; the listener is then on 443, else on 80.'),
  accessLogs: z.boolean().default(true).describe('Keep access logs in a bucket of the fleet.'),
});

const store = section({
  kind: z
    .enum(['embedded', 'aurora'])
    .describe(
      'embedded: SQLite on the disk of the only router. aurora: Aurora Serverless v2 Postgres, for any number.',
    ),
  minCapacity: z.number().min(0.5).max(256).default(0.5).describe('Aurora capacity units that are always there.'),
  maxCapacity: z.number().min(1).max(256).default(4).describe('Most Aurora capacity units.'),
  backupDays: count(1, 35).default(7).describe('How long backups are kept.'),
  deletionProtection: z
    .boolean()
    .default(true)
    .describe('Refuse to delete the database, and keep a snapshot when it goes.'),
});

export const routersSchema = section({
  count: count(1, 20).default(1).describe('Routers. More than one needs a load balancer and the aurora store.'),
  instanceType: instanceType.describe('Machine of a router; t3.small is enough to try one.'),
  image,
  volumeGiB: count(8, 16_384).describe('Root volume; holds the embedded store.'),
  policy: z.enum(policyNames).default('predicted-ttft').describe('How the worker for a request is chosen.'),
  engine: z
    .enum(['builtin', 'sglang-router'])
    .default('builtin')
    .describe('The built-in relay, or the upstream router process under its supervision.'),
  loadBalancer: loadBalancer
    .default({ kind: 'none', internetFacing: false, accessLogs: true })
    .describe('The address of the routers.'),
  allowedNetworks: z
    .array(ipv4Network)
    .default([])
    .describe('Networks that may reach the routers or their load balancer. Workers always may.'),
  apiKeysSecretArn: secretArn
    .optional()
    .describe(
      'Secret with the API keys. Without it one is made with a first key, and its name is an output of the stack.',
    ),
  requireKeys: z.boolean().default(true).describe('Whether clients need an API key.'),
  store: store
    .default({ kind: 'embedded', minCapacity: 0.5, maxCapacity: 4, backupDays: 7, deletionProtection: true })
    .describe('Where sessions and their transcripts are kept.'),
  drainSeconds: count(0, 3_600).default(600).describe('How long a router that is stopped may finish its answers.'),
  holdSeconds: count(0, 3_600).default(900).describe('How long a request may wait for a first worker.'),
  sessionIdleMinutes: count(1, 43_200).default(60).describe('A session without a message for this long is paused.'),
})
  .refine(({ count: routers, store: { kind } }) => routers === 1 || kind === 'aurora', {
    path: ['store', 'kind'],
    error: 'several routers share their sessions: choose aurora',
  })
  .refine(({ count: routers, loadBalancer: { kind } }) => routers === 1 || kind !== 'none', {
    path: ['loadBalancer', 'kind'],
    error: 'several routers need one address: choose network or application',
  })
  .refine(({ loadBalancer: { kind, internetFacing } }) => kind !== 'none' || !internetFacing, {
    path: ['loadBalancer', 'internetFacing'],
    error: 'there is no load balancer: choose network or application',
  })
  .refine(({ loadBalancer: { internetFacing, certificateArn: certificate } }) => !internetFacing || certificate, {
    path: ['loadBalancer', 'certificateArn'],
    error: 'an address on the internet needs TLS',
  })
  .refine(({ requireKeys, loadBalancer: { internetFacing } }) => !internetFacing || requireKeys, {
    path: ['requireKeys'],
    error: 'an address on the internet needs API keys',
  })
  .refine(
    ({ allowedNetworks, loadBalancer: { internetFacing } }) =>
      internetFacing || !allowedNetworks.some((network) => network.endsWith('/0')),
    { path: ['allowedNetworks'], error: 'the whole internet may come only to a load balancer that is internetFacing' },
  );
export type RouterConfig = z.infer<typeof routersSchema>;
