import { CfnQueryDefinition } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';

/** The line of a daemon: the journal's own fields may stand around it. */
const parsed = 'fields jsonParse(coalesce(MESSAGE, @message)) as line';

/**
 * Logs Insights queries over what the daemons log (JSON lines with constant `msg`) and over metrics in log lines. They name
 * messages and fields of the daemons: a test holds them against the daemons' sources.
 */
export const queries = {
  warningsAndErrors: [
    parsed,
    'filter line.level in ["warn", "error"]',
    'fields @timestamp, line.service, line.level, line.msg, coalesce(line.detail, line.error.message) as reason, @logStream',
    'sort @timestamp desc',
    'limit 100',
  ],
  errorsByCode: [
    parsed,
    'filter line.level in ["warn", "error"]',
    'fields line.service as service, line.msg as msg, coalesce(line.error.code, line.cause.name, line.end, "none") as errorCode',
    'stats count(*) as times, max(@timestamp) as last by service, msg, errorCode',
    'sort times desc',
  ],
  failedAttempts: [
    parsed,
    'filter line.msg = "attempt failed"',
    'fields line.worker as worker, line.end as end, line.detail as detail, line.requestId as requestId',
    'stats count(*) as times, count_distinct(requestId) as requests by worker, end, detail',
    'sort times desc',
  ],
  engineEnds: [
    parsed,
    'filter line.msg in ["engine ended", "engine given up", "gpu failure"]',
    'fields @timestamp, line.msg, coalesce(line.message, line.cause.name, line.reason) as why, line.code, line.signal, line.failures, line.waitMs, @logStream',
    'sort @timestamp desc',
    'limit 100',
  ],
  engineStarts: [
    parsed,
    'filter line.msg = "engine ready"',
    'fields @timestamp, line.startupSeconds as seconds, line.phases as phases, @logStream',
    'sort @timestamp desc',
    'limit 100',
  ],
  drains: [
    parsed,
    'filter line.msg in ["drain started", "drain finished", "drain failed", "router not told of the drain"] or line.msg like "drain deadline passed"',
    'fields @timestamp, line.msg, line.durationMs / 1000 as seconds, line.drainMs / 1000 as budgetSeconds, line.requests, line.detail, @logStream',
    'sort @timestamp desc',
    'limit 200',
  ],
  instanceNotices: [
    parsed,
    'filter line.msg = "instance notice"',
    'fields @timestamp, line.kind as kind, line.state as state, @logStream',
    'sort @timestamp desc',
    'limit 100',
  ],
  workerStates: [
    parsed,
    'filter line.msg = "worker state changed"',
    'fields @timestamp, line.worker as worker, line.from as before, line.to as after, line.reason as reason',
    'sort @timestamp desc',
    'limit 200',
  ],
} as const satisfies Record<string, readonly string[]>;

/**
 * The minutes with the slowest first tokens. Routers keep no line for a request: this reads the values that they report,
 * each of which stands for requests that waited as long within 7 %.
 * @param seconds from which a first token is slow
 */
export function slowFirstTokens(seconds: number): readonly string[] {
  return [
    'filter @message like "ClientTimeToFirstToken"',
    'fields jsonParse(@message) as report',
    // One value for each request, or each value once where there were many.
    'fields coalesce(report.ClientTimeToFirstToken.Values, report.ClientTimeToFirstToken) as firstTokens, report.AutoScalingGroupName as workers, report.router as router',
    'unnest firstTokens into firstTokenSeconds',
    `filter firstTokenSeconds > ${seconds}`,
    'stats count(*) as slow, max(firstTokenSeconds) as slowest by bin(1m) as minute, workers, router',
    'sort slowest desc',
    'limit 100',
  ];
}

export interface FleetQueriesProps {
  readonly fleet: string;
  readonly routerLogGroup: string;
  readonly workerLogGroups: readonly string[];
  /** From which a first token is slow. */
  readonly firstTokenSeconds: number;
}

/** Saved queries, in the console under the folder with the name of the fleet. */
export class FleetQueries extends Construct {
  constructor(scope: Construct, id: string, props: FleetQueriesProps) {
    super(scope, id);
    const routers = [props.routerLogGroup];
    const workers = props.workerLogGroups;
    const all = [...routers, ...workers];
    const save = (queryId: string, name: string, logGroupNames: readonly string[], lines: readonly string[]) =>
      new CfnQueryDefinition(this, queryId, {
        name: `${props.fleet}/${name}`,
        logGroupNames: [...logGroupNames],
        queryString: lines.join('\n| '),
      });
    save('WarningsAndErrors', 'Warnings and errors', all, queries.warningsAndErrors);
    save('ErrorsByCode', 'Errors by code', all, queries.errorsByCode);
    save('SlowFirstTokens', 'Slow first tokens', routers, slowFirstTokens(props.firstTokenSeconds));
    save('FailedAttempts', 'Failed attempts by worker', routers, queries.failedAttempts);
    save('WorkerStates', 'Worker states', routers, queries.workerStates);
    save('EngineEnds', 'Why engines ended', workers, queries.engineEnds);
    save('EngineStarts', 'Engine starts by phase', workers, queries.engineStarts);
    save('Drains', 'Drains', workers, queries.drains);
    save('InstanceNotices', 'Spot notices and scale-in', workers, queries.instanceNotices);
  }
}
