import path from 'node:path';
import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { readFleet } from '../lib/config/load.ts';
import { addFleet } from '../lib/fleet.ts';
import { nameFilesRelativeTo } from '../lib/stack-traces.ts';
import { describeFile, FleetConfigError } from '../runtime/shared/config-mistakes.ts';

// The CDK app: `npx cdk synth -c config=fleets/dev.yaml`.
nameFilesRelativeTo(path.dirname(import.meta.dirname));
const app = new App();
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
try {
  const { config, warnings } = readFleet(app.node.tryGetContext('config') ?? 'fleets/dev.yaml');
  for (const found of warnings) console.error(describeFile(found, 'warning'));
  addFleet(app, config);
} catch (error) {
  if (!(error instanceof FleetConfigError)) throw error;
  console.error(error.message);
  process.exit(1);
}
