import { balanced, certificateArn, devFleet } from '../support/dev-fleet.ts';
import { fleetTemplates } from '../support/fleet-templates.ts';
import { type Way, waysIn, waysOut } from '../support/reachability.ts';

const way = (from: string, to: string, port: Way['port']) => ({ from, to, port });
const internal = [way('Routers', 'Workers', 7999), way('Routers', 'Workers', 4200), way('Workers', 'Routers', 8001)];
const sorted = (ways: Way[]) => ways.map(({ from, to, port }) => `${from} -> ${to}:${port}`).sort();

test('by default only routers reach engines and runners, only workers reach routers, and only their admin port', () => {
  expect(sorted(waysIn(fleetTemplates(devFleet({}))))).toEqual(sorted(internal));
});

test('clients and operators reach what the config lets them reach, each their own port', () => {
  const fleet = devFleet({ routers: { allowedNetworks: ['10.0.0.0/8'], operatorNetworks: ['10.9.0.0/24'] } });
  expect(sorted(waysIn(fleetTemplates(fleet)))).toEqual(
    sorted([...internal, way('10.0.0.0/8', 'Routers', 8000), way('10.9.0.0/24', 'Routers', 8001)]),
  );
});

test.each([
  ['network', undefined, 80],
  ['network', certificateArn, 443],
  ['application', certificateArn, 443],
] as const)('behind a load balancer (%s) clients reach it and not the routers', (kind, certificate, port) => {
  const routers = { ...balanced(kind, { certificateArn: certificate }), allowedNetworks: ['10.0.0.0/8'] };
  expect(sorted(waysIn(fleetTemplates(devFleet({ routers }))))).toEqual(
    sorted([
      ...internal,
      way('10.0.0.0/8', 'LoadBalancer', port),
      way('LoadBalancer', 'Routers', 8000),
      way('Routers', 'Database', 5432),
    ]),
  );
});

test('a load balancer that faces the internet lets nobody in whom the config does not name', () => {
  const routers = balanced('application', { certificateArn, internetFacing: true });
  const ways = waysIn(fleetTemplates(devFleet({ routers })));
  expect(ways.filter(({ from }) => from.includes('/'))).toEqual([]);
});

test('routers open connections to their workers, their database and AWS; the database opens none', () => {
  const ways = waysOut(fleetTemplates(devFleet({ routers: balanced('network') })));
  const from = (group: string) => sorted(ways.filter((out) => out.from === group));
  expect(from('Routers')).toEqual(
    sorted([
      way('Routers', 'Workers', 7999),
      way('Routers', 'Workers', 4200),
      way('Routers', 'Database', 5432),
      way('Routers', '0.0.0.0/0', 443),
    ]),
  );
  expect(from('LoadBalancer')).toEqual(sorted([way('LoadBalancer', 'Routers', 8000)]));
  // No rule at all would mean all; the CDK writes one that matches nothing.
  expect(ways.filter((out) => out.from === 'Database')).toEqual([
    { from: 'Database', to: '255.255.255.255/32', port: Number.NaN },
  ]);
});
