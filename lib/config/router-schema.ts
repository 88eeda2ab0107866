import { z } from 'zod';
import { policyNames } from '../../runtime/router/policy/policies.ts';
import { arn, count, image, instanceType, ipv4Network, secretArn, section } from './fields.ts';

/** Policies of the upstream router, by our names; undefined leaves it its own default. */
export const sglangRouterPolicies: Readonly<Partial<Record<(typeof policyNames)[number], string | undefined>>> = {
  'predicted-ttft': undefined,
  'round-robin': 'round_robin',
  'power-of-two': 'power_of_two',
  'cache-aware': 'cache_aware',
};

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
  volumeGiB: count(1, 16_384).default(10).describe('Volume of the embedded store, which outlives the router.'),
  minCapacity: z.number().min(0.5).max(256).default(0.5).describe('Aurora capacity units that are always there.'),
  maxCapacity: z.number().min(1).max(256).default(4).describe('Most Aurora capacity units.'),
  standby: z
    .boolean()
    .default(false)
    .describe('A second Aurora instance in another zone, which takes over within a minute, at the price of the first.'),
  backupDays: count(1, 35).default(7).describe('How long daily backups are kept.'),
  deletionProtection: z
    .boolean()
    .default(true)
    .describe(
      'Keep the data when the stack goes: the embedded volume, or a last snapshot of an Aurora that is not protected any more.',
    ),
}).refine(({ minCapacity, maxCapacity }) => minCapacity <= maxCapacity, {
  path: ['minCapacity'],
  error: 'must not exceed maxCapacity',
});

export const routersSchema = section({
  count: count(1, 20).default(1).describe('Routers. More than one needs a load balancer and the aurora store.'),
  instanceType: instanceType.describe('Machine of a router; t3.small is enough to try one.'),
  image,
  volumeGiB: count(8, 16_384).describe('Root volume: system, programs, logs.'),
  policy: z.enum(policyNames).default('predicted-ttft').describe('How the worker for a request is chosen.'),
  engine: z
    .enum(['builtin', 'sglang-router'])
    .default('builtin')
    .describe('The built-in relay, or the upstream router process under its supervision.'),
  loadBalancer: loadBalancer.prefault({ kind: 'none' }).describe('The address of the routers.'),
  allowedNetworks: z
    .array(ipv4Network)
    .default([])
    .describe('Networks of clients: they may reach the routers, or their load balancer where there is one.'),
  operatorNetworks: z
    .array(ipv4Network)
    .default([])
    .describe(
      'Networks that may reach the admin port of the routers, with the status page, metrics and administration. Session Manager needs none.',
    ),
  apiKeysSecretArn: secretArn
    .optional()
    .describe(
      'Secret with the API keys. Without it one is made with a first key, and its name is an output of the stack.',
    ),
  requireKeys: z.boolean().default(true).describe('Whether clients need an API key.'),
  store: store.prefault({ kind: 'embedded' }).describe('Where sessions and their transcripts are kept.'),
  generationSeconds: count(10, 3_500)
    .default(600)
    .describe(
      'Longest generation that nothing planned may cut: drains are longer. The turn of a session ends when it takes longer.',
    ),
  drainSeconds: count(0, 3_600).default(660).describe('How long a router that is stopped may finish its answers.'),
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
  )
  .refine(({ operatorNetworks }) => !operatorNetworks.some((network) => network.endsWith('/0')), {
    path: ['operatorNetworks'],
    error: 'the admin port is never open to the whole internet: name the networks of the operators',
  })
  .refine(({ engine, policy }) => engine === 'builtin' || policy in sglangRouterPolicies, {
    path: ['policy'],
    error: `sglang-router knows ${Object.keys(sglangRouterPolicies).join(', ')}`,
  })
  .refine(({ requireKeys, apiKeysSecretArn }) => requireKeys || apiKeysSecretArn === undefined, {
    path: ['requireKeys'],
    error: 'there is a secret with keys: require them, or leave apiKeysSecretArn out',
  });
export type RouterConfig = z.infer<typeof routersSchema>;
