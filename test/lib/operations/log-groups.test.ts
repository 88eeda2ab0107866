import { fleetTemplates } from '../../support/fleet-templates.ts';
import { exampleConfig, exampleFleets } from '../../support/operations-template.ts';

test.each(exampleFleets)('every log group of the fleet %s keeps its lines as long as the config says', (fleet) => {
  const config = exampleConfig(fleet);
  const groups = Object.values(fleetTemplates(config)).flatMap((template) =>
    Object.values(template.findResources('AWS::Logs::LogGroup')),
  );
  // Routers, and workers.
  expect(groups.length).toBeGreaterThanOrEqual(2);
  for (const { Properties } of groups) {
    expect(Properties).toMatchObject({ RetentionInDays: config.logs.retentionDays });
  }
});
