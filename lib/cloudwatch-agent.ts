import type { Construct } from 'constructs';
import { FileAsset } from './file-asset.ts';
import { metricNamespace } from './names.ts';

/** The parts of the CloudWatch agent's configuration that a fleet uses, after the agent's schema (release 1.300071). */
export interface AgentConfig {
  readonly agent: { readonly metrics_collection_interval: number; readonly run_as_user: 'root' };
  readonly metrics: {
    readonly namespace: string;
    /** Only `${aws:...}` placeholders. */
    readonly append_dimensions: { readonly AutoScalingGroupName: '${aws:AutoScalingGroupName}' };
    /** Dimension sets to which measurements are summed up. */
    readonly aggregation_dimensions: readonly (readonly string[])[];
    readonly metrics_collected: {
      readonly mem: Collector;
      readonly disk: Collector & { readonly resources: readonly string[]; readonly drop_device: boolean };
      readonly nvidia_gpu?: Collector;
    };
  };
  readonly logs: {
    readonly logs_collected: {
      /** Since agent 1.300070 (June 2026). */
      readonly journald: { readonly collect_list: readonly JournalSource[] };
      readonly files?: { readonly collect_list: readonly FileSource[] };
    };
    readonly force_flush_interval: number;
  };
}

interface Collector {
  readonly measurement: readonly string[];
}
interface LogTarget {
  readonly log_group_name: string;
  /** May hold `{instance_id}`. */
  readonly log_stream_name: string;
}
interface JournalSource extends LogTarget {
  readonly units: readonly string[];
}
interface FileSource extends LogTarget {
  readonly file_path: string;
}

export interface AgentConfigOptions {
  readonly logGroupName: string;
  /** systemd units whose journal is kept, without `.service`. */
  readonly units: readonly string[];
  /**
   * Log files by the name of their stream. A line in the embedded metric format makes metrics: the agent sees by the line
   * itself that it is one, and the format brings its own time. A file may be rotated by renaming. @default - none
   */
  readonly logFiles?: Readonly<Record<string, string>>;
  /** @default false */
  readonly hasGpu?: boolean;
}

/**
 * Memory, disk and GPU once a minute under the group's name alone (a dimension per instance would multiply the cost),
 * and the daemons' logs. Retention is the log group's business, not the agent's.
 */
export function agentConfig(options: AgentConfigOptions): AgentConfig {
  const target = (stream: string): LogTarget => ({
    log_group_name: options.logGroupName,
    log_stream_name: `{instance_id}/${stream}`,
  });
  const files = Object.entries(options.logFiles ?? {});
  return {
    agent: { metrics_collection_interval: 60, run_as_user: 'root' },
    metrics: {
      namespace: metricNamespace,
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the agent fills it in
      append_dimensions: { AutoScalingGroupName: '${aws:AutoScalingGroupName}' },
      aggregation_dimensions: [['AutoScalingGroupName']],
      metrics_collected: {
        mem: { measurement: ['used_percent'] },
        disk: { measurement: ['used_percent'], resources: ['/'], drop_device: true },
        ...(options.hasGpu && {
          nvidia_gpu: {
            measurement: ['utilization_gpu', 'memory_used', 'memory_total', 'temperature_gpu', 'power_draw'],
          },
        }),
      },
    },
    logs: {
      logs_collected: {
        journald: {
          collect_list: options.units.map((unit) => ({ units: [`${unit}.service`], ...target(unit) })),
        },
        ...(files.length > 0 && {
          files: { collect_list: files.map(([stream, file]) => ({ file_path: file, ...target(stream) })) },
        }),
      },
      force_flush_interval: 5,
    },
  };
}

export class AgentConfigAsset extends FileAsset {
  constructor(scope: Construct, id: string, options: AgentConfigOptions) {
    const json = `${JSON.stringify(agentConfig(options), null, 2)}\n`;
    super(scope, id, { content: () => Buffer.from(json), extension: '.json' });
  }
}
