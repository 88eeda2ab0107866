import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { checkFleet } from '../../lib/config/check-fleet.ts';
import type { Finding } from '../../lib/config/finding.ts';
import { readLibraryModel } from '../../lib/config/model-library.ts';
import { modelSchema } from '../../lib/config/model-schema.ts';
import { resolveFleet } from '../../lib/config/resolve.ts';
import { type FleetConfig, fleetSchema } from '../../lib/config/schema.ts';
import { parseYaml } from '../../runtime/shared/config-mistakes.ts';
import { repositoryRoot } from './fleet-templates.ts';

/** What a fleet file holds, before any schema. */
export type FleetContent = Readonly<Record<string, unknown>>;
/** Values by their path, such as `workers.0.min`; undefined takes the field out. */
export type FieldValues = Readonly<Record<string, unknown>>;

export const fleetFiles = ['dev', 'production', 'large', 'spot'] as const;
export type FleetFileName = (typeof fleetFiles)[number];

/** The content of one of the example fleets. */
export function fleetContent(name: FleetFileName): FleetContent {
  return parse(readFileSync(path.join(repositoryRoot, `fleets/${name}.yaml`), 'utf8')) as FleetContent;
}

/** A copy with other values; sections and lists on the way are made where they are missing. */
export function withValues(content: FleetContent, values: FieldValues): FleetContent {
  const copy = structuredClone(content) as Record<string, unknown>;
  for (const [field, value] of Object.entries(values)) {
    const keys = field.split('.');
    let node = copy;
    for (const [index, key] of keys.slice(0, -1).entries()) {
      node[key] ??= /^\d+$/.test(keys[index + 1]!) ? [] : {};
      node = node[key] as Record<string, unknown>;
    }
    if (value === undefined) delete node[keys.at(-1)!];
    else node[keys.at(-1)!] = structuredClone(value);
  }
  return copy;
}

/** The config that a file with this content gives. @throws ZodError */
export function configOf(content: FleetContent): FleetConfig {
  return resolveFleet(fleetSchema.parse(content), (name) => {
    const { file, text } = readLibraryModel(name);
    return parseYaml(modelSchema, file, text);
  });
}

/** What the checks find in one of the example fleets with other values. */
export function findingsIn(name: FleetFileName, values: FieldValues = {}): Finding[] {
  return checkFleet(configOf(withValues(fleetContent(name), values)));
}
