import { setTimeout as delay } from 'node:timers/promises';
import { createMetricSink } from '../shared/cloudwatch/create-sink.ts';
import { InstanceMetadata } from '../shared/imds.ts';
import { createLogger, type Logger } from '../shared/log.ts';
import { closeOnSignals } from '../shared/shutdown.ts';
import { LineOutput } from './line-output.ts';
import { Monitor } from './monitor.ts';
import type { MonitorSettings } from './monitor-settings.ts';
import { jsonLinesPublisher, type Publisher, sinkPublisher } from './publisher.ts';
import { EngineWatch } from './watch/engine-watch.ts';
import { RunnerWatch } from './watch/runner-watch.ts';

/** Between two looks at the end of the log, as a share of a window. A look costs three system calls. */
const pollShare = 1 / 10;
const slowestPollMs = 1_000;
/** Looks at the engine's load in one window, of which the mean counts. */
const loadSamples = 4;
const shutdownDeadlineMs = 15_000;

/**
 * Starts the monitor, which then runs until SIGTERM or SIGINT. What it publishes goes to stdout or to CloudWatch, the
 * daemon's own log to stderr.
 * @throws when the state file or the log cannot be used, or when nobody says for which group to publish
 */
export async function startMonitor(settings: MonitorSettings): Promise<void> {
  const log = createLogger({ service: 'log-monitor', write: (line) => void process.stderr.write(`${line}\n`) });
  const stopping = new AbortController();
  const engine = engineWatch(settings, log);
  const opening = createPublisher(settings, log).then((publisher) =>
    Monitor.open({
      logFile: settings.logFile,
      stateFile: settings.stateFile,
      from: settings.from,
      intervalMs: settings.intervalSeconds * 1_000,
      publisher,
      engine,
      runner: settings.runnerUrl === undefined ? undefined : new RunnerWatch(settings.runnerUrl, Date.now),
      capacityRequests: settings.capacityRequests,
      log,
    }),
  );
  engine?.start();
  const pollMs = Math.min(slowestPollMs, settings.intervalSeconds * 1_000 * pollShare);
  const following = opening.then((monitor) => follow(monitor, pollMs, stopping.signal));
  closeOnSignals({
    log,
    deadlineMs: shutdownDeadlineMs,
    close: async () => {
      stopping.abort();
      await following;
      await (await opening).close();
      await engine?.stop();
    },
  });
  await opening;
}

async function follow(monitor: Monitor, pollMs: number, stopping: AbortSignal): Promise<void> {
  while (!stopping.aborted) {
    const atEnd = await monitor.step();
    if (atEnd) await delay(pollMs, undefined, { signal: stopping }).catch(ignoreAbort);
  }
}

function engineWatch(settings: MonitorSettings, log: Logger): EngineWatch | undefined {
  const { engineUrl: url, engineApiKey: apiKey, intervalSeconds } = settings;
  if (url === undefined) return undefined;
  return new EngineWatch({ url, apiKey, sampleMs: (intervalSeconds * 1_000) / loadSamples, log });
}

async function createPublisher(settings: MonitorSettings, log: Logger): Promise<Publisher> {
  if (settings.publish === 'json') return untilNobodyReads(jsonLinesPublisher(new LineOutput(process.stdout.fd)), log);
  const metadata = new InstanceMetadata();
  const groupName = settings.asg ?? (await metadata.read('tags/instance/aws:autoscaling:groupName'))?.text;
  if (groupName === undefined) {
    throw new Error('--asg is needed to publish metrics: the name of the Auto Scaling group of this worker.');
  }
  const instanceId = settings.instanceId ?? (await metadata.read('instance-id'))?.text ?? null;
  const sink = createMetricSink({
    log,
    publish: settings.publish,
    region: settings.awsRegion,
    emfFile: settings.emfFile,
    emfLine: settings.emfLine,
    intervalMs: settings.intervalSeconds * 1_000,
  });
  return sinkPublisher(sink, { groupName, instanceId });
}

/** A pipe whose reader is gone will not come back; a supervisor starts both again. */
function untilNobodyReads(publisher: Publisher, log: Logger): Publisher {
  return {
    publish: (window) =>
      publisher.publish(window).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EPIPE') throw error;
        log.error('nobody reads the windows any more', { error });
        process.exit(1);
      }),
    close: () => publisher.close(),
  };
}

function ignoreAbort(error: unknown): void {
  if (!(error instanceof Error && error.name === 'AbortError')) throw error;
}
