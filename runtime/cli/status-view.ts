import { styleText } from 'node:util';
import type { FleetView, WorkerView } from '../shared/protocol.ts';
import { count, duration, missing, percent } from './quantity.ts';
import { type Column, tableLines } from './table.ts';
import { oneLine } from './terminal-text.ts';

const columns: readonly Column[] = [
  { title: 'WORKER' },
  { title: 'RUNNER' },
  { title: 'STATE' },
  { title: 'MODEL' },
  { title: 'IN FLIGHT', align: 'right' },
  { title: 'RUN/WAIT', align: 'right' },
  { title: 'KV USE', align: 'right' },
  { title: 'HIT RATE', align: 'right' },
  { title: 'PREFILL TOK/S', align: 'right' },
  { title: 'DONE', align: 'right' },
  { title: 'FAILED', align: 'right' },
  { title: 'HEARTBEAT', align: 'right' },
];

const stateColors = {
  ready: 'green',
  starting: 'cyan',
  draining: 'yellow',
  suspect: 'yellow',
  gone: 'red',
} as const satisfies Record<WorkerView['state'], string>;

/** A headline and one row per worker. Colours follow the terminal and NO_COLOR. */
export function renderStatus(view: FleetView): string {
  const { workers } = view;
  const ready = workers.filter((worker) => worker.state === 'ready').length;
  const sum = (pick: (worker: WorkerView) => number) => workers.reduce((total, worker) => total + pick(worker), 0);
  const headline = [
    `router ${oneLine(view.coordinatorId)} ${oneLine(view.version)}`,
    `policy ${oneLine(view.policy)}`,
    `up ${duration(view.uptimeSeconds)}`,
    `${ready} of ${workers.length} workers ready`,
    `${count(sum((worker) => worker.inFlightRequests))} in flight`,
    `${count(sum((worker) => worker.completedRequests))} done`,
    `${count(sum((worker) => worker.failedRequests))} failed`,
  ].join('  ·  ');
  if (workers.length === 0) {
    return `${headline}\n\nNo workers yet: none has registered, and no --worker-url or --asg names one.`;
  }
  return [headline, '', ...tableLines(columns, workers.map(workerRow))].join('\n');
}

function workerRow(worker: WorkerView): string[] {
  const { load } = worker;
  const color = stateColors[worker.state];
  return [
    oneLine(worker.id),
    oneLine(worker.runnerId ?? missing),
    color ? styleText(color, worker.state) : oneLine(worker.state),
    oneLine(worker.model ?? missing),
    count(worker.inFlightRequests),
    load ? `${count(load.runningRequests)}/${count(load.waitingRequests)}` : missing,
    percent(load && load.maxTotalTokens > 0 ? load.usedTokens / load.maxTotalTokens : null),
    percent(worker.tokenHitRate),
    count(worker.prefillTokensPerSecond),
    count(worker.completedRequests),
    count(worker.failedRequests),
    duration(worker.lastHeartbeatAgeSeconds),
  ];
}
