import path from 'node:path';
import type { Template } from 'aws-cdk-lib/assertions';
import { loadFleetConfig } from '../../lib/config/load.ts';
import type { FleetConfig } from '../../lib/config/schema.ts';
import { fleetTemplates, repositoryRoot } from './fleet-templates.ts';

export const exampleFleets = ['dev', 'production', 'large', 'spot'] as const;
export type ExampleFleet = (typeof exampleFleets)[number];

export function exampleConfig(name: ExampleFleet): FleetConfig {
  return loadFleetConfig(path.join(repositoryRoot, `fleets/${name}.yaml`));
}

export interface AlarmProperties {
  readonly AlarmName: string;
  readonly AlarmDescription: string;
  readonly AlarmActions?: readonly unknown[];
  readonly OKActions?: readonly unknown[];
  readonly TreatMissingData?: string;
  readonly Threshold: number;
  readonly ComparisonOperator: string;
  readonly EvaluationPeriods: number;
  readonly Period?: number;
  readonly Namespace?: string;
  readonly MetricName?: string;
  readonly Dimensions?: readonly { readonly Name: string; readonly Value: unknown }[];
  readonly Metrics?: readonly MetricQuery[];
}

interface MetricQuery {
  readonly Id: string;
  readonly Expression?: string;
  readonly MetricStat?: {
    readonly Stat: string;
    readonly Metric: {
      readonly Namespace: string;
      readonly MetricName: string;
      readonly Dimensions: readonly { readonly Name: string; readonly Value: unknown }[];
    };
  };
}

export function alarmsOf(template: Template): AlarmProperties[] {
  return Object.values(template.findResources('AWS::CloudWatch::Alarm')).map(
    ({ Properties }) => Properties as AlarmProperties,
  );
}

/** The formula of an alarm. */
export function expressionOf({ AlarmName, Metrics }: AlarmProperties): string {
  const expression = Metrics?.find(({ Expression }) => Expression !== undefined)?.Expression;
  if (expression === undefined) throw new Error(`${AlarmName} has no formula.`);
  return expression;
}

/** All metrics that an alarm looks at. */
export function metricsOf({ Namespace, MetricName, Metrics = [] }: AlarmProperties): [string, string][] {
  const stats = Metrics.flatMap(({ MetricStat }) => (MetricStat === undefined ? [] : [MetricStat.Metric]));
  const named = stats.map((metric): [string, string] => [metric.Namespace, metric.MetricName]);
  return Namespace === undefined || MetricName === undefined ? named : [[Namespace, MetricName], ...named];
}

export interface Widget {
  readonly type: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly properties: {
    readonly title?: string;
    readonly markdown?: string;
    readonly query?: string;
    readonly metrics?: readonly (readonly unknown[])[];
    readonly annotations?: { readonly horizontal?: readonly { readonly value: number; readonly label: string }[] };
  };
}

/** The widgets of the dashboard; what CloudFormation fills in reads `[NAME]`. */
export function widgetsOf(template: Template): Widget[] {
  const [dashboard] = Object.values(template.findResources('AWS::CloudWatch::Dashboard'));
  const body = text(dashboard?.['Properties'].DashboardBody);
  return (JSON.parse(body) as { widgets: Widget[] }).widgets;
}

/** A value with intrinsic functions as text. */
export function text(value: unknown): string {
  if (typeof value === 'string') return value;
  const [name, argument] = Object.entries(value as Record<string, unknown>)[0]!;
  if (name !== 'Fn::Join') return `[${[argument].flat().join('.')}]`;
  const [separator, parts] = argument as [string, unknown[]];
  return parts.map(text).join(separator);
}

export interface GraphedMetric {
  readonly title: string;
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly id?: string;
  readonly stat?: string;
}

/** Metrics of all graphs, formulas aside. CloudWatch's `...` and `.` for what is repeated are not used by the CDK. */
export function graphedMetrics(widgets: readonly Widget[]): GraphedMetric[] {
  return widgets.flatMap(({ properties: { title = '', metrics = [] } }) =>
    metrics.flatMap((row) => {
      const words = row.filter((word) => typeof word === 'string');
      const [options = {}] = row.filter((word) => typeof word === 'object') as { id?: string; stat?: string }[];
      if (words.length === 0) return [];
      const [namespace, name, ...pairs] = words as [string, string, ...string[]];
      const dimensions = Object.fromEntries(
        pairs.flatMap((word, index) => (index % 2 === 0 ? [[word, pairs[index + 1] ?? '']] : [])),
      );
      return [{ title, namespace, name, dimensions, ...options }];
    }),
  );
}

/** Formulas of a graph by their labels. */
export function formulasOf(widgets: readonly Widget[], title: string): Record<string, string> {
  const widget = widgets.find(({ properties }) => properties.title === title);
  const formulas = (widget?.properties.metrics ?? []).flatMap((row) =>
    row.filter((word): word is { label: string; expression: string } => {
      return typeof word === 'object' && word !== null && 'expression' in word;
    }),
  );
  return Object.fromEntries(formulas.map(({ label, expression }) => [label, expression]));
}

/** The templates of an example fleet, or of a variation of it. */
export function operationsOf(config: FleetConfig): Template {
  return fleetTemplates(config)['operations']!;
}
