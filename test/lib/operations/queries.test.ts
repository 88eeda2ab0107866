import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { queries, slowFirstTokens } from '../../../lib/operations/queries.ts';
import { repositoryRoot } from '../../support/fleet-templates.ts';
import { exampleConfig, operationsOf } from '../../support/operations-template.ts';

const runtime = path.join(repositoryRoot, 'runtime');
const sources = readdirSync(runtime, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => readFileSync(path.join(runtime, file), 'utf8'))
  .join('\n');

const queryDefinitions = (config: ReturnType<typeof exampleConfig>) =>
  Object.values(operationsOf(config).findResources('AWS::Logs::QueryDefinition')).map(
    ({ Properties }) => Properties as { Name: string; QueryString: string; LogGroupNames: string[] },
  );

describe.each(Object.entries(queries))('the query %s', (_, lines) => {
  test('asks for messages that a daemon logs', () => {
    const asked = lines
      .filter((line) => /line\.msg (=|in|like)/.test(line))
      .flatMap((line) => [...line.matchAll(/"([^"]+)"/g)].map(([, message]) => message!));
    // `like` is given the beginning.
    for (const message of asked) expect(sources).toMatch(new RegExp(`['"]${message}['"]?`));
  });

  test('asks for fields that a daemon logs', () => {
    const fields = lines.flatMap((line) => [...line.matchAll(/\bline\.(\w+)/g)].map(([, field]) => field!));
    expect(fields.length).toBeGreaterThan(0);
    for (const field of fields) expect(sources).toMatch(new RegExp(`\\b${field}\\b`));
  });

  test('parses the line before it looks into it, and limits or sums up what it finds', () => {
    expect(lines[0]).toContain('jsonParse');
    expect(lines.some((line) => /^(limit|stats) /.test(line))).toBe(true);
  });
});

test('slow is what the alarm calls slow', () => {
  const dev = exampleConfig('dev');
  const queryOf = (firstTokenSeconds: number) =>
    queryDefinitions({ ...dev, alarms: { ...dev.alarms, firstTokenSeconds } }).find(({ Name }) =>
      Name.includes('Slow'),
    );
  expect(queryOf(3)?.QueryString).toBe(slowFirstTokens(3).join('\n| '));
  expect(queryOf(4)?.QueryString).toContain('firstTokenSeconds > 4');
});

test('all queries are saved under the name of the fleet, over log groups of the fleet', () => {
  const saved = queryDefinitions(exampleConfig('production'));
  expect(saved).toHaveLength(Object.keys(queries).length + 1);
  for (const { Name, LogGroupNames } of saved) {
    expect(Name).toMatch(/^sglang-prod\/\w/);
    expect(LogGroupNames.length).toBeGreaterThan(0);
    for (const group of LogGroupNames) expect(group).toMatch(/^\/sglang-fleet\/sglang-prod\/(router|workers-chat)$/);
  }
});
