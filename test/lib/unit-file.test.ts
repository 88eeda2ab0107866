import { App, Lazy, Stack } from 'aws-cdk-lib';
import { UnitFile } from '../../lib/unit-file.ts';
import { configOf, fleetContent } from '../support/fleet-file.ts';
import { fleetTemplates, userDataOf } from '../support/fleet-templates.ts';

test('a unit that names what only the deployment knows is refused: nobody would fill it in', () => {
  const text = Lazy.string({ produce: () => 'known later' });
  expect(() => new UnitFile(new Stack(new App(), 'Stack'), 'Unit', { name: 'x', text })).toThrow(/^the unit x names/);
});

test('routers learn from the boot script where their database is', () => {
  const script = userDataOf(fleetTemplates(configOf(fleetContent('production')))['router']!);
  const [, url, secret] =
    /database\.conf <<'EOF'\n\[Service\]\nEnvironment="FLEET_DATABASE_URL=(.*)"\nEnvironment="FLEET_DATABASE_SECRET=(.*)"\nEOF/.exec(
      script,
    ) ?? [];
  expect(url).toMatch(
    /^postgres:\/\/fleet@.*EndpointAddress.*EndpointPort\w+\/fleet\?sslmode=verify-full&sslrootcert=/,
  );
  expect(secret).toBeTruthy();
  expect(script.indexOf('database.conf')).toBeLessThan(script.indexOf('systemctl daemon-reload'));
});
