import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fleetNames } from '../../support/assembly/every-fleet.ts';
import { fleetConfig, fleetTemplates } from '../../support/fleet-templates.ts';
import { type Baseline, baselineOf, lossesBetween, replacingProperties } from './replacements.ts';

/**
 * What a first deployment has made must outlive the next ones. Where a loss is meant, `UPDATE_BASELINE=1 npm test
 * baseline` accepts it; the release notes then have to say how data gets over.
 */
const folder = path.join(import.meta.dirname, 'baseline');

function present(name: string): Baseline {
  const templates = Object.entries(fleetTemplates(fleetConfig(name)));
  return baselineOf(
    templates.map(([part, template]) => ({ name: part, resources: template.toJSON()['Resources'], assets: new Map() })),
  );
}

test.each(fleetNames)('a deployment of fleets/%s.yaml over its baseline loses nothing', (name) => {
  const file = path.join(folder, `${name}.json`);
  const now = present(name);
  const text = `${JSON.stringify(now, null, 2)}\n`;
  if (process.env['UPDATE_BASELINE'] === '1') {
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, text);
  }
  expect(existsSync(file)).toBe(true);
  const before = readFileSync(file, 'utf8');
  expect(lossesBetween(JSON.parse(before) as Baseline, now)).toEqual([]);
  // What is new has to be in the baseline from now on, or its loss would go unseen.
  expect(text).toBe(before);
});

test('what replaces is known of every type that keeps something', () => {
  const unknown = Object.keys(replacingProperties).filter((type) => replacingProperties[type]!.length === 0);
  expect(unknown).toEqual([]);
  expect(replacingProperties['AWS::EC2::VPC']).toContain('CidrBlock');
  expect(replacingProperties['AWS::EC2::VPC']).not.toContain('EnableDnsSupport');
  expect(replacingProperties['AWS::RDS::DBCluster']).toEqual(
    expect.arrayContaining(['DatabaseName', 'StorageEncrypted']),
  );
  expect(replacingProperties['AWS::RDS::DBCluster']).not.toContain('BackupRetentionPeriod');
});

describe('a loss is seen', () => {
  const resource = { type: 'AWS::RDS::DBCluster', properties: { StorageEncrypted: true }, deletionPolicy: 'Snapshot' };
  const before: Baseline = { state: { Cluster: resource } };

  test.each<[string, Baseline, string]>([
    ['a stack that is gone', {}, 'is removed'],
    ['a resource under another name', { state: { Other: resource } }, 'is removed'],
    [
      'a property that replaces',
      { state: { Cluster: { ...resource, properties: { StorageEncrypted: false } } } },
      'StorageEncrypted changes',
    ],
    ['one that is left out', { state: { Cluster: { ...resource, properties: {} } } }, 'StorageEncrypted changes'],
    [
      'data that goes with its stack',
      { state: { Cluster: { ...resource, deletionPolicy: 'Delete' } } },
      'no longer kept',
    ],
  ])('%s', (_what, after, loss) => {
    expect(lossesBetween(before, after)).toEqual([expect.stringContaining(loss)]);
  });

  test('what is added is none', () => {
    expect(lossesBetween(before, { state: { Cluster: resource, Other: resource } })).toEqual([]);
  });
});
