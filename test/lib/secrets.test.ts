import { App, type Stack } from 'aws-cdk-lib';
import type { Template } from 'aws-cdk-lib/assertions';
import { addFleet } from '../../lib/fleet.ts';
import { parseSecret } from '../../runtime/router/keys/open-key-ring.ts';
import { balanced, devFleet } from '../support/dev-fleet.ts';
import { bootTextOf, fleetTemplates } from '../support/fleet-templates.ts';

const embedded = fleetTemplates(devFleet({}));
const aurora = fleetTemplates(devFleet({ routers: balanced('network') }));
const secretsOf = (template: Template) =>
  Object.values(template.findResources('AWS::SecretsManager::Secret')).map(({ Properties }) => Properties);

test.each([
  ['an embedded store', embedded],
  ['a database', aurora],
])('with %s no template holds a value of a secret', (_store, templates) => {
  for (const template of Object.values(templates)) {
    const text = JSON.stringify(template.toJSON());
    // A dynamic reference would put the value into user data, where every process of the machine can read it.
    expect(text).not.toContain('{{resolve:');
    expect(text).not.toMatch(/"(SecretString|MasterUserPassword)":/);
  }
});

test.each([
  ['router', embedded['router']!],
  ['router with a database', aurora['router']!],
  ['worker', embedded['workers-small']!],
])('the boot script of a %s knows secrets by their names alone', (_machine, template) => {
  const variables = [
    ...bootTextOf(template).matchAll(/^Environment="?(\w*(?:SECRET|KEY|PASSWORD|TOKEN|URL)\w*)=(.*?)"?$/gm),
  ];
  expect(variables.length).toBeGreaterThan(0);
  for (const [, name, value] of variables) {
    if (name === 'FLEET_DATABASE_URL') expect(value).toMatch(/^postgres:\/\/fleet@/);
    else if (name === 'FLEET_DATABASE_SECRET') expect(value).toContain('SecretArn');
    else expect(value).toMatch(/^aws-secretsmanager:sglang-fleet\/sglang-dev\/[\w-]+$/);
  }
});

test('AWS makes the secret of routers and workers, and both are told the same name', () => {
  expect(secretsOf(embedded['state']!)).toContainEqual(
    expect.objectContaining({ Name: 'sglang-fleet/sglang-dev/internal', GenerateSecretString: expect.anything() }),
  );
  const told = (name: string) => /FLEET_INTERNAL_SECRET=(\S+)/.exec(bootTextOf(embedded[name]!))?.[1];
  expect(told('router')).toBe('aws-secretsmanager:sglang-fleet/sglang-dev/internal');
  expect(told('workers-small')).toBe(told('router'));
});

test('AWS makes a first API key, in the form that routers read', () => {
  const keys = secretsOf(embedded['state']!).find(({ Name }) => Name === 'sglang-fleet/sglang-dev/api-keys');
  const { SecretStringTemplate, GenerateStringKey, PasswordLength, ExcludePunctuation } = keys!.GenerateSecretString;
  // As Secrets Manager fills it in.
  const key = 'k'.repeat(PasswordLength);
  const text = JSON.stringify({ ...JSON.parse(SecretStringTemplate), [GenerateStringKey]: key });
  expect(parseSecret('api-keys', text)).toMatchObject([{ keyId: 'first', scopes: ['inference', 'admin'] }]);
  expect([ExcludePunctuation, PasswordLength]).toEqual([true, 48]);
  expect(Object.values(embedded['router']!.findOutputs('ApiKeysSecret'))[0]!['Value']).toBe(keys!.Name);
});

test('keys that are there already take the place of that key', () => {
  const apiKeysSecretArn = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:our-keys-AbCdEf';
  const templates = fleetTemplates(devFleet({ routers: { apiKeysSecretArn } }));
  expect(secretsOf(templates['state']!).map(({ Name }) => Name)).toEqual(['sglang-fleet/sglang-dev/internal']);
  expect(bootTextOf(templates['router']!)).toContain(
    `Environment=FLEET_API_KEYS=aws-secretsmanager:${apiKeysSecretArn}\n`,
  );
  expect(JSON.stringify(templates['router']!.findResources('AWS::IAM::Policy'))).toContain(`"${apiKeysSecretArn}"`);
});

test('where clients need no key there is none', () => {
  const templates = fleetTemplates(devFleet({ routers: { requireKeys: false } }));
  expect(secretsOf(templates['state']!)).toHaveLength(1);
  expect(bootTextOf(templates['router']!)).not.toContain('FLEET_API_KEYS');
});

test('machines wait for the secrets to be there', () => {
  const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } });
  addFleet(app, devFleet({}));
  const [router, workers, state] = ['router', 'workers-small', 'state'].map(
    (part) => app.node.findChild(`sglang-dev-${part}`) as Stack,
  );
  expect(router!.dependencies).toContain(state);
  expect(workers!.dependencies).toContain(state);
});
