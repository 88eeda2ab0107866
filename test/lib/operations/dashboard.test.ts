import { planOnFirstType } from '../../../lib/config/memory-plan.ts';
import { hourlyPriceUsd } from '../../../lib/data/prices.ts';
import { fleetTemplates } from '../../support/fleet-templates.ts';
import { evaluate } from '../../support/metric-math.ts';
import {
  exampleConfig,
  exampleFleets,
  formulasOf,
  graphedMetrics,
  operationsOf,
  widgetsOf,
} from '../../support/operations-template.ts';

const production = exampleConfig('production');
const widgets = widgetsOf(operationsOf(production));

describe.each(exampleFleets)('the dashboard of the fleet %s', (fleet) => {
  const config = exampleConfig(fleet);
  const templates = fleetTemplates(config);
  const own = widgetsOf(templates['operations']!);

  test('shows groups that the fleet has', () => {
    const groups = Object.values(templates).flatMap((template) =>
      Object.values(template.findResources('AWS::AutoScaling::AutoScalingGroup')).map(
        ({ Properties }) => Properties.AutoScalingGroupName as string,
      ),
    );
    const shown = graphedMetrics(own).flatMap(({ dimensions }) => dimensions['AutoScalingGroupName'] ?? []);
    expect(new Set(shown)).toEqual(new Set(groups));
  });

  test('reads log groups that the fleet has', () => {
    const names = Object.values(templates).flatMap((template) =>
      Object.values(template.findResources('AWS::Logs::LogGroup')).map(({ Properties }) => Properties.LogGroupName),
    );
    const read = own.flatMap(({ properties: { query = '' } }) => [...query.matchAll(/SOURCE '([^']+)'/g)]);
    expect(read.length).toBeGreaterThan(0);
    for (const [, name] of read) expect(names).toContain(name);
  });

  test('has no widgets on top of each other and none beside the page', () => {
    const cells = own.flatMap(({ x, y, width, height }) =>
      Array.from({ length: width * height }, (_, cell) => `${x + (cell % width)} ${y + Math.floor(cell / width)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    for (const { x, width } of own) expect(x + width).toBeLessThanOrEqual(24);
  });

  test('uses each name of a formula once in a graph', () => {
    for (const title of new Set(own.map(({ properties }) => properties.title))) {
      const ids = graphedMetrics(own)
        .filter((metric) => metric.title === title)
        .flatMap(({ id }) => id ?? []);
      expect({ title, ids: new Set(ids).size }).toEqual({ title, ids: ids.length });
    }
  });
});

test('shows targets of scaling and the threshold of the alarm as lines', () => {
  const lines = (title: string) =>
    widgets.find(({ properties }) => properties.title === title)?.properties.annotations?.horizontal;
  expect(lines('Utilisation, share of capacity')).toMatchObject([{ value: 0.7, label: 'target' }]);
  expect(lines('Wait for a worker, s')).toMatchObject([{ value: 2 }]);
  expect(lines('First token at the client, s')).toMatchObject([{ value: 10 }]);
});

test('counts requests and tokens by the second', () => {
  expect(evaluate(formulasOf(widgets, 'Requests/s')['requests']!, { requests0: 600 })).toBe(10);
  expect(evaluate(formulasOf(widgets, 'Tokens/s')['generated']!, { generated0: 120 })).toBe(2);
});

test('counts requests in the engines once, though workers report them six times a minute', () => {
  // Two workers with 5 and 7 requests.
  const running = 6 * (5 + 7);
  expect(evaluate(formulasOf(widgets, 'Requests in the engines')['running']!, { running0: running })).toBe(12);
});

describe('the cost', () => {
  const workerUsd = hourlyPriceUsd(production.workers[0]!.instanceTypes[0]!)!;
  const routerUsd = hourlyPriceUsd(production.routers.instanceType)!;
  const quarter = 900;

  test('of an hour is that of the machines in service', () => {
    const { chat, routers } = formulasOf(widgets, 'Machines, $/h');
    expect(evaluate(chat!, { workers0: 3 })).toBeCloseTo(3 * workerUsd);
    expect(evaluate(chat!, { workers0: undefined })).toBe(0);
    expect(evaluate(routers!, { routers: 2 })).toBeCloseTo(2 * routerUsd);
  });

  test('of a million tokens is that of the machines by what they made in the same time', () => {
    const { generated } = formulasOf(widgets, '$ per million generated tokens');
    const at = (tokens: number | undefined) =>
      evaluate(generated!, { workers0: 3, routers: 2, out0GenerationTokens: tokens }, quarter);
    const hourly = 3 * workerUsd + 2 * routerUsd;
    // A quarter of a million in a quarter of an hour is a million an hour.
    expect(at(250_000)).toBeCloseTo(hourly);
    expect(at(500_000)).toBeCloseTo(hourly / 2);
    expect(at(0)).toBeUndefined();
    expect(at(undefined)).toBeUndefined();
  });

  test('counts prompts too where it says so', () => {
    const { all } = formulasOf(widgets, '$ per million tokens, prompts included');
    const tokens = { all0GenerationTokens: 50_000, all0PrefillTokens: 100_000, all0CachedTokens: 100_000 };
    expect(evaluate(all!, { workers0: 1, routers: 0, ...tokens }, quarter)).toBeCloseTo(workerUsd);
  });

  test('says which groups have no known price, and leaves them out', () => {
    const [group] = production.workers;
    const unpriced = { ...group!, instanceTypes: ['p5e.48xlarge'] };
    const own = widgetsOf(operationsOf({ ...production, workers: [unpriced] }));
    expect(own.map(({ properties }) => properties.markdown).join()).toContain(
      'No price is known for the workers of chat',
    );
    expect(Object.keys(formulasOf(own, 'Machines, $/h'))).toEqual(['routers']);
    expect(own.map(({ properties }) => properties.title)).not.toContain('$ per million generated tokens');
  });
});

test('several groups have lines of their own', () => {
  const [group] = production.workers;
  const workers = [group!, { ...group!, name: 'code' }];
  const own = widgetsOf(operationsOf({ ...production, workers }));
  expect(Object.keys(formulasOf(own, 'Requests/s'))).toEqual(['chat requests', 'code requests']);
  const { generated } = formulasOf(own, '$ per million generated tokens');
  const values = { workers0: 1, workers1: 1, routers: 0, out0GenerationTokens: 250_000, out1GenerationTokens: 250_000 };
  const workerUsd = hourlyPriceUsd(group!.instanceTypes[0]!)!;
  expect(evaluate(generated!, values, 900)).toBeCloseTo(workerUsd);
});

describe('what is served', () => {
  const textOf = (model: object) => {
    const [group] = production.workers;
    const workers = [{ ...group!, model: { ...group!.model, ...model } }];
    const own = widgetsOf(operationsOf({ ...production, workers }));
    return own.map(({ properties }) => properties.markdown).find((text) => text?.includes('serves'));
  };

  test('is told with the room that the memory plan gives it', () => {
    const [group] = production.workers;
    const { kvTokens, contextTokens } = planOnFirstType(group!)!;
    const text = textOf({});
    expect(text).toContain(`**${group!.name}** serves **${group!.model.path}**`);
    expect(text).toContain(`${group!.model.weightsGiB} GiB of weights`);
    expect(text).toContain(`requests of up to ${contextTokens.toLocaleString('en-US')}`);
    expect(text).toContain(`about ${kvTokens.toLocaleString('en-US')} tokens on ${group!.instanceTypes[0]}`);
  });

  test('says only what is known', () => {
    const { path: modelPath, tensorParallel } = production.workers[0]!.model;
    const group = { ...production.workers[0]!, model: { path: modelPath, flags: {}, tensorParallel } };
    const own = widgetsOf(operationsOf({ ...production, workers: [group] }));
    const text = own.map(({ properties }) => properties.markdown).find((each) => each?.includes('serves'));
    expect(text).toBe(`**chat** serves **${modelPath}**\n`);
  });

  test('says that a token is needed', () => {
    expect(textOf({ isGated: true })).toContain('gated');
    expect(textOf({ isGated: false })).not.toContain('gated');
  });
});
