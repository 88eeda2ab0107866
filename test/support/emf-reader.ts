/** A metric as CloudWatch Logs takes it out of a log line. */
export interface ExtractedMetric {
  readonly namespace: string;
  readonly name: string;
  readonly unit: string;
  readonly resolutionSeconds: number;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly atMs: number;
  readonly values: readonly number[];
  readonly counts: readonly number[];
}

type Root = Record<string, unknown> & {
  readonly _aws: { readonly Timestamp: number; readonly CloudWatchMetrics: readonly Directive[] };
};
interface Directive {
  readonly Namespace: string;
  readonly Dimensions: readonly (readonly string[])[];
  readonly Metrics: readonly { readonly Name: string; readonly Unit?: string; readonly StorageResolution?: number }[];
}

/**
 * Reads a log line as CloudWatch Logs does, after the specification of the embedded metric format.
 * @throws when the line breaks a rule of it: CloudWatch would drop the line without a word
 */
export function readEmf(line: string): ExtractedMetric[] {
  if (Buffer.byteLength(line) > 256 * 1_024 - 26) throw new Error(`a line of ${Buffer.byteLength(line)} bytes`);
  const root = JSON.parse(line) as Root;
  const { Timestamp, CloudWatchMetrics } = root._aws;
  if (!Number.isInteger(Timestamp)) throw new Error(`a time of ${Timestamp}`);
  return CloudWatchMetrics.flatMap(({ Namespace, Dimensions, Metrics }) => {
    if (Metrics.length > 100) throw new Error(`${Metrics.length} metrics in a directive`);
    if (new Set(Metrics.map(({ Name }) => Name)).size < Metrics.length) throw new Error('a metric twice in a line');
    return Dimensions.flatMap((names) => {
      if (names.length > 30) throw new Error(`${names.length} dimensions`);
      const dimensions = Object.fromEntries(names.map((name) => [name, dimensionOf(root, name)]));
      return Metrics.map(({ Name, Unit = 'None', StorageResolution = 60 }) => ({
        namespace: Namespace,
        name: Name,
        unit: Unit,
        resolutionSeconds: StorageResolution,
        dimensions,
        atMs: Timestamp,
        ...distributionOf(Name, root[Name]),
      }));
    });
  });
}

/** Values times counts of a metric over many lines. */
export function sumOfEmf(lines: readonly string[], name: string): number {
  const metrics = lines.flatMap(readEmf).filter((metric) => metric.name === name);
  return metrics.reduce((sum, { values, counts }) => {
    return sum + values.reduce((part, value, index) => part + value * counts[index]!, 0);
  }, 0);
}

function dimensionOf(root: Root, name: string): string {
  const value = Object.hasOwn(root, name) ? root[name] : undefined;
  if (typeof value !== 'string' || value.length > 1_024) throw new Error(`dimension ${name} is ${value}`);
  return value;
}

/** A number, an array of numbers, or values with counts as AWS's agent writes them. */
function distributionOf(name: string, target: unknown): { values: number[]; counts: number[] } {
  const numbers = (list: unknown): number[] => {
    if (!Array.isArray(list) || list.length === 0 || list.length > 100 || !list.every(Number.isFinite)) {
      throw new Error(`metric ${name} has the values ${JSON.stringify(list)}`);
    }
    return list as number[];
  };
  if (typeof target === 'object' && target !== null && 'Values' in target && 'Counts' in target) {
    const values = numbers(target.Values);
    const counts = numbers(target.Counts);
    if (values.length !== counts.length) throw new Error(`metric ${name} has ${counts.length} counts`);
    return { values, counts };
  }
  const values = numbers(Array.isArray(target) ? target : [target]);
  return { values, counts: values.map(() => 1) };
}
