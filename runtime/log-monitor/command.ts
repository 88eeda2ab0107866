import { Command, Option } from 'commander';
import { publishModes } from '../shared/cloudwatch/create-sink.ts';
import { describeError } from '../shared/errors.ts';
import { parseBaseUrl, parseIntegerIn, parsePositiveNumber } from '../shared/options.ts';
import type { MonitorSettings } from './monitor-settings.ts';

const option = (flags: string, description: string) => new Option(flags, description);

/** `fleet monitor`: follow an engine and publish its metrics. */
export function monitorCommand(): Command {
  return new Command('monitor')
    .description('follow an engine, its log and what else it offers, and publish its metrics')
    .addOption(
      option('--log-file <path>', 'the log to follow; it need not exist yet')
        .env('FLEET_LOG_FILE')
        .makeOptionMandatory(),
    )
    .addOption(option('--state-file <path>', 'remembers the place in the log across restarts').env('FLEET_STATE_FILE'))
    .addOption(
      option('--from <place>', 'where to begin when no place is remembered').choices(['start', 'end']).default('start'),
    )
    .addOption(
      option('--interval-seconds <number>', 'length of a window')
        .env('FLEET_INTERVAL_SECONDS')
        .default(10)
        .argParser(parsePositiveNumber),
    )
    .addOption(
      option('--engine-url <url>', "reads the engine's load and counters as well")
        .env('FLEET_ENGINE_URL')
        .argParser(parseBaseUrl),
    )
    .addOption(
      option('--engine-api-key <key>', 'of an engine that has one; better in the environment').env(
        'FLEET_ENGINE_API_KEY',
      ),
    )
    .addOption(
      option('--runner-url <url>', 'asks the runner whether the worker is in service')
        .env('FLEET_RUNNER_URL')
        .argParser(parseBaseUrl),
    )
    .addOption(
      option('--capacity-requests <number>', 'requests that the engine shall run at once (default: what it can)')
        .env('FLEET_CAPACITY_REQUESTS')
        .argParser(parseIntegerIn(1, 1_000_000)),
    )
    .addOption(
      option('--publish <way>', 'JSON lines of windows on stdout, or metrics to CloudWatch')
        .choices(['json', ...publishModes])
        .env('FLEET_PUBLISH')
        .default('json'),
    )
    .addOption(option('--asg <name>', 'Auto Scaling group of this worker (default: its instance tag)').env('FLEET_ASG'))
    .addOption(option('--instance-id <id>', 'of this worker (default: its metadata)').env('FLEET_INSTANCE_ID'))
    .addOption(option('--aws-region <name>', 'of CloudWatch (default: that of the instance)').env('AWS_REGION'))
    .addOption(option('--emf-file <path>', 'where EMF lines go (default: stdout)').env('FLEET_EMF_FILE'))
    .addOption(
      option('--emf-line <what>', 'one EMF line for each report, or for each minute: cheaper, lost when killed')
        .choices(['report', 'minute'])
        .env('FLEET_EMF_LINE')
        .default('report'),
    )
    .action(async (settings: MonitorSettings, command: Command) => {
      const { startMonitor } = await import('./start.ts');
      await startMonitor(settings).catch((error: unknown) => command.error(`error: ${describeError(error)}`));
    });
}
