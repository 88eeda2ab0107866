import type { PublishMode } from '../shared/cloudwatch/create-sink.ts';

/** Options of the monitor as the command line and the environment give them. */
export interface MonitorSettings {
  readonly logFile: string;
  readonly stateFile?: string;
  readonly from: 'start' | 'end';
  readonly intervalSeconds: number;
  readonly engineUrl?: string;
  readonly engineApiKey?: string;
  readonly runnerUrl?: string;
  readonly capacityRequests?: number;
  readonly publish: 'json' | PublishMode;
  readonly asg?: string;
  readonly instanceId?: string;
  readonly awsRegion?: string;
  readonly emfFile?: string;
  readonly emfLine: 'minute' | 'report';
}
