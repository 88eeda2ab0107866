import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Template } from 'aws-cdk-lib/assertions';
import type { FleetConfig } from '../../../lib/config/schema.ts';
import { runbook, runbookAddress } from '../../../lib/operations/alarms/runbook.ts';
import { fleetTemplates, repositoryRoot } from '../../support/fleet-templates.ts';
import { evaluate } from '../../support/metric-math.ts';
import {
  type AlarmProperties,
  alarmsOf,
  exampleConfig,
  exampleFleets,
  expressionOf,
  operationsOf,
  text,
} from '../../support/operations-template.ts';

const operationsPage = readFileSync(path.join(repositoryRoot, 'docs/operations.md'), 'utf8');
/** As GitHub makes them of headings. */
const anchors = [...operationsPage.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading]) =>
  heading!
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-'),
);

const templates = Object.fromEntries(exampleFleets.map((name) => [name, fleetTemplates(exampleConfig(name))]));
const operations = (name: (typeof exampleFleets)[number]) => templates[name]!['operations']!;

function alarmNamed(template: Template, name: string): AlarmProperties {
  const alarm = alarmsOf(template).find(({ AlarmName }) => AlarmName === name);
  if (alarm === undefined) throw new Error(`There is no alarm ${name}.`);
  return alarm;
}

describe.each(exampleFleets)('the alarms of the fleet %s', (fleet) => {
  const alarms = Object.values(templates[fleet]!).flatMap(alarmsOf);

  test('each have an action and say where their runbook is', () => {
    expect(alarms.length).toBeGreaterThan(0);
    for (const { AlarmName, AlarmActions = [], AlarmDescription } of alarms) {
      expect({ AlarmName, actions: AlarmActions.length }).toEqual({ AlarmName, actions: 1 });
      const [, anchor] = /docs\/operations\.md#([\w-]+)$/.exec(AlarmDescription) ?? [];
      expect(anchors).toContain(anchor);
    }
  });

  test('each say what silence means', () => {
    expect(alarms.filter(({ TreatMissingData }) => TreatMissingData === undefined)).toEqual([]);
  });

  test('have names of their own', () => {
    expect(new Set(alarms.map(({ AlarmName }) => AlarmName)).size).toBe(alarms.length);
  });

  test('that wake somebody are few, and tell when they are over', () => {
    const waking = alarmsOf(operations(fleet));
    expect(waking.length).toBeLessThanOrEqual(15);
    for (const { AlarmActions, OKActions } of waking) expect(OKActions).toEqual(AlarmActions);
  });
});

test('every section of the runbook is a heading of the page, and says what to do', () => {
  for (const [section, heading] of Object.entries(runbook)) {
    const [, anchor] = runbookAddress(section as keyof typeof runbook).split('#');
    expect(anchors).toContain(anchor);
    const [, rest = ''] = operationsPage.split(`\n### ${heading}\n`);
    const [body] = rest.split(/\n#{2,3} /);
    expect(body).toMatch(/^\n\*\*Means\.\*\*[\s\S]*\*\*Do\.\*\*/);
  }
});

describe('held requests', () => {
  const held = (config: FleetConfig) => {
    const [group] = config.workers;
    return alarmNamed(operationsOf(config), `${config.name}-workers-${group!.name}-no-ready-worker`);
  };

  test('wake somebody after the minutes of the config', () => {
    expect(held(exampleConfig('production'))).toMatchObject({ EvaluationPeriods: 5, Period: 60, Threshold: 0 });
  });

  test('of a group that may be at zero are given the time of a start first', () => {
    const config = exampleConfig('dev');
    expect(config.workers[0]).toMatchObject({ min: 0, startMinutes: 30 });
    expect(held(config).EvaluationPeriods).toBe(30 + config.alarms.noWorkerMinutes);
  });
});

test('workers are missing only when they are neither in service nor on their way', () => {
  const alarm = alarmNamed(operations('production'), 'sglang-prod-workers-chat-missing-workers');
  const missing = (desired: number, serving: number, pending: number) =>
    evaluate(expressionOf(alarm), { desired, serving, pending })! > alarm.Threshold;
  expect(missing(4, 4, 0)).toBe(false);
  expect(missing(4, 2, 2)).toBe(false);
  expect(missing(4, 3, 0)).toBe(true);
  expect(alarm.EvaluationPeriods).toBe(15);
});

describe('silence of a machine', () => {
  const alarm = alarmNamed(operations('production'), 'sglang-prod-workers-chat-silent-machines');
  const isSilent = (serving: number, memory: number | undefined, load: number | undefined) =>
    evaluate(expressionOf(alarm), { serving, memory, load })! > alarm.Threshold;

  test.each([
    ['all report', 3, 3, 18, false],
    ['one report came a moment too late', 3, 3, 17, false],
    ['there is nobody', 0, undefined, undefined, false],
    ['the agent of one is down', 3, 2, 18, true],
    ['the log monitor of one is down', 3, 3, 12, true],
    ['all agents are down', 2, undefined, 12, true],
    ['all log monitors are down', 2, 2, undefined, true],
  ] as const)('%s', (_, serving, memory, load, expected) => {
    expect(isSilent(serving, memory, load)).toBe(expected);
  });

  test('is wrong as such where there are always workers', () => {
    expect(alarm.TreatMissingData).toBe('breaching');
    const atZero = alarmNamed(operations('dev'), 'sglang-dev-workers-small-silent-machines');
    expect(atZero.TreatMissingData).toBe('ignore');
  });
});

describe('the routers', () => {
  test('wake somebody when there are fewer than the config says', () => {
    const alarm = alarmNamed(operations('production'), 'sglang-prod-router-missing-routers');
    const isBelow = (serving: number) => evaluate(expressionOf(alarm), { serving })! > alarm.Threshold;
    expect([0, 1, 2, 3].map(isBelow)).toEqual([true, true, false, false]);
  });

  test('with an embedded store have time to finish before the next one starts', () => {
    const config = exampleConfig('large');
    expect(config.routers).toMatchObject({ drainSeconds: 1_800, store: { kind: 'embedded' } });
    const alarm = alarmNamed(operations('large'), 'sglang-large-router-missing-routers');
    expect(alarm.EvaluationPeriods).toBe(10 + 30);
  });

  test('wake somebody by their silence', () => {
    const alarm = alarmNamed(operations('production'), 'sglang-prod-router-silent-routers');
    expect(alarm.TreatMissingData).toBe('breaching');
    expect(evaluate(expressionOf(alarm), { reports: 1 })! > alarm.Threshold).toBe(false);
  });
});

test('the database has alarms exactly where there is one', () => {
  const names = (fleet: (typeof exampleFleets)[number]) =>
    alarmsOf(operations(fleet))
      .map(({ AlarmName }) => AlarmName)
      .filter((name) => name.includes('database'));
  expect(names('dev')).toEqual([]);
  expect(names('production')).toHaveLength(4);
  // 8 capacity units are 16 GiB, in which 1,802 connections have room.
  expect(alarmNamed(operations('production'), 'sglang-prod-database-connections').Threshold).toBe(1_441);
});

test('machines that do not start are told of, those of this fleet and not for want of capacity', () => {
  const [rule, ...others] = Object.values(operations('spot').findResources('AWS::Events::Rule'));
  expect(others).toEqual([]);
  expect(rule!['Properties'].EventPattern).toEqual({
    source: ['aws.autoscaling'],
    'detail-type': ['EC2 Instance Launch Unsuccessful'],
    detail: {
      AutoScalingGroupName: ['sglang-spot-router', 'sglang-spot-workers-spot'],
      StatusMessage: [{ 'anything-but': { wildcard: '*not have sufficient*capacity*' } }],
    },
  });
  const [target] = rule!['Properties'].Targets;
  const [topic] = Object.keys(operations('spot').findResources('AWS::SNS::Topic'));
  expect(target.Arn).toEqual({ Ref: topic });
  expect(text(target.InputTransformer.InputTemplate)).toContain(runbookAddress('launchFailed'));
});
