import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { FleetConfig } from '../../../lib/config/schema.ts';
import { addFleet } from '../../../lib/fleet.ts';
import { fleetNames } from '../../support/assembly/every-fleet.ts';
import { fleetConfig, quickApp } from '../../support/fleet-templates.ts';

/** @throws with the findings of cdk-nag's pack AwsSolutions that no construct gives a reason for */
function checkRules(config: FleetConfig): void {
  const app = new App(quickApp);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  addFleet(app, config);
  app.synth();
}

const production = fleetConfig('production');
const [chat] = production.workers as [FleetConfig['workers'][number]];

/** What the examples leave out. */
const variants: Record<string, FleetConfig> = {
  'an application load balancer, no records, no protection': {
    ...production,
    account: '123456789012',
    network: { ...production.network, flowLogs: false },
    routers: {
      ...production.routers,
      loadBalancer: { kind: 'application', internetFacing: false, accessLogs: false },
      store: { ...production.routers.store, deletionProtection: false },
    },
    workers: [{ ...chat, weights: { from: 's3', uri: 's3://models/qwen', stream: false } }],
  },
  'an image of its own': {
    ...production,
    workers: [
      {
        ...chat,
        weights: { from: 's3', uri: 's3://models/qwen', stream: false },
        image: { build: { parent: { id: 'ami-0123456789abcdef0' }, withWeights: true, instanceType: 'm7i.2xlarge' } },
      },
    ],
  },
  'Spot workers, a block of capacity and predictions': {
    ...production,
    workers: [
      { ...chat, warmPool: undefined, purchase: { ...chat.purchase, onDemandShare: 0 } },
      {
        ...chat,
        name: 'block',
        warmPool: undefined,
        instanceTypes: ['p5.48xlarge'],
        scaling: { ...chat.scaling, predictive: true },
        purchase: {
          ...chat.purchase,
          capacityBlock: { zone: 'us-east-1b', reservationId: 'cr-0123456789abcdef0' },
        },
      },
    ],
  },
  'a public address': {
    ...production,
    routers: {
      ...production.routers,
      allowedNetworks: ['0.0.0.0/0'],
      loadBalancer: {
        kind: 'application',
        internetFacing: true,
        accessLogs: true,
        certificateArn: 'arn:aws:acm:us-east-1:123456789012:certificate/0123',
      },
    },
  },
};

test.each(fleetNames)('fleets/%s.yaml keeps the rules, or says why not', (name) => {
  expect(() => checkRules(fleetConfig(name))).not.toThrow();
});

test.each(Object.entries(variants))('so does a fleet with %s', (_name, config) => {
  expect(() => checkRules(config)).not.toThrow();
});

test('what breaks a rule without a reason does not pass', () => {
  const everywhere = { ...production.routers, operatorNetworks: ['0.0.0.0/0'] };
  expect(() => checkRules({ ...production, routers: everywhere })).toThrow('AwsSolutions-EC23');
});
