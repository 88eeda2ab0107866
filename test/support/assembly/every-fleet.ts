import { readdirSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot } from '../fleet-templates.ts';

/** Names of the example fleets: fleets/NAME.yaml. */
export const fleetNames: readonly string[] = readdirSync(path.join(repositoryRoot, 'fleets'))
  .filter((file) => file.endsWith('.yaml'))
  .map((file) => path.basename(file, '.yaml'))
  .sort();
