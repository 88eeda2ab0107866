import type { FleetConfig } from '../../lib/config/schema.ts';
import { devConfig, fleetTemplates } from '../support/fleet-templates.ts';

/** Another valid value for every field of the dev fleet. */
const changes: Record<string, unknown> = {
  name: 'other',
  account: '123456789012',
  region: 'us-east-2',
  'network.availabilityZones': ['us-east-1a', 'us-east-1c'],
  'network.cidr': '10.50.0.0/16',
  'network.natGateways': 2,
  'router.instanceType': 't3.large',
  'router.image': { id: 'ami-0123456789abcdef0' },
  'router.volumeGiB': 30,
  'router.policy': 'round-robin',
  'router.drainSeconds': 30,
  'router.allowedNetworks': ['10.0.0.0/8'],
  'workers.0.name': 'large',
  'workers.0.model.path': 'Qwen/Qwen3-4B',
  'workers.0.model.flags': { 'reasoning-parser': 'deepseek-r1' },
  'workers.0.instanceType': 'g6e.xlarge',
  'workers.0.image': { ssmParameter: '/my/image' },
  'workers.0.volumeGiB': 300,
  'workers.0.min': 0,
  'workers.0.max': 9,
  'workers.0.maxSandboxes': 4,
  'workers.0.sandboxMemoryMb': 512,
  'workers.0.drainSeconds': 600,
  'workers.0.sglang.version': '0.5.22',
  'workers.0.sglang.flags': { 'enable-mixed-chunk': true },
  agents: [{ name: 'researcher', command: ['python3', '/opt/researcher.py'], env: {}, warm: 0 }],
  'logs.retentionDays': 30,
  tags: { project: 'other' },
};

const dev = devConfig();
const rendered = (config: FleetConfig) =>
  JSON.stringify(Object.values(fleetTemplates(config)).map((template) => template.toJSON()));
const devRendered = rendered(dev);

function changed(field: string, value: unknown): FleetConfig {
  const copy = structuredClone(dev) as unknown as Record<string, unknown>;
  const path = field.split('.');
  const parent = path.slice(0, -1).reduce((node, key) => node[key] as Record<string, unknown>, copy);
  parent[path.at(-1)!] = value;
  return copy as unknown as FleetConfig;
}

/** Fields of `value` down to those that `changes` names. */
function fieldsOf(value: unknown, prefix = ''): string[] {
  if (prefix in changes || typeof value !== 'object' || value === null) return [prefix];
  return Object.entries(value).flatMap(([key, child]) => fieldsOf(child, prefix ? `${prefix}.${key}` : key));
}

test('this list has every field of the config', () => {
  expect(Object.keys(changes).sort()).toEqual([...fieldsOf(dev), 'account'].sort());
});

// The account shows in the stacks' environment and not in their templates.
test.each(Object.entries(changes).filter(([field]) => field !== 'account'))(
  'changing %s changes the stacks',
  (field, value) => {
    expect(rendered(changed(field, value))).not.toBe(devRendered);
  },
);

test('two runs over the same config give the same templates', () => {
  expect(rendered(devConfig())).toBe(devRendered);
});

test('the stacks have fixed names', () => {
  const names = Object.keys(fleetTemplates(dev));
  expect(names.sort()).toEqual(['dashboard', 'network', 'router', 'workers-small']);
});
