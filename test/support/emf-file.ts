import { readFileSync } from 'node:fs';

/** A line of CloudWatch's embedded metric format, as far as tests look at it. */
export interface EmfLine {
  readonly _aws: {
    readonly Timestamp: number;
    readonly CloudWatchMetrics: readonly {
      readonly Namespace: string;
      readonly Dimensions: readonly (readonly string[])[];
      readonly Metrics: readonly {
        readonly Name: string;
        readonly Unit: string;
        readonly StorageResolution?: number;
      }[];
    }[];
  };
  readonly [member: string]: unknown;
}

export function readEmfFile(path: string): EmfLine[] {
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as EmfLine);
}

/** Every value of a metric over all lines, each as often as it was seen; for metrics with few values. */
export function emfValues(lines: readonly EmfLine[], name: string): number[] {
  return lines.flatMap((line) => (name in line ? ([line[name]].flat() as number[]) : []));
}
