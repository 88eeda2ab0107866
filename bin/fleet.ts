import path from 'node:path';
import { App } from 'aws-cdk-lib';
import { loadFleetConfig } from '../lib/config/load.ts';
import { addFleet } from '../lib/fleet.ts';
import { nameFilesRelativeTo } from '../lib/stack-traces.ts';
import { FleetConfigError } from '../runtime/shared/config-mistakes.ts';

// The CDK app: `npx cdk synth -c config=fleets/dev.yaml`.
nameFilesRelativeTo(path.dirname(import.meta.dirname));
const app = new App();
try {
  addFleet(app, loadFleetConfig(app.node.tryGetContext('config') ?? 'fleets/dev.yaml'));
} catch (error) {
  if (!(error instanceof FleetConfigError)) throw error;
  console.error(error.message);
  process.exit(1);
}
