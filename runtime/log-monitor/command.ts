import { Command, Option } from 'commander';
import { describeError } from '../shared/errors.ts';
import { parsePositiveNumber } from '../shared/options.ts';
import type { MonitorSettings } from './start.ts';

/** `fleet monitor`: follow an engine log and print aggregates. */
export function monitorCommand(): Command {
  return new Command('monitor')
    .description('follow an engine log and print one JSON line of aggregates per window')
    .addOption(
      new Option('--log-file <path>', 'the log to follow; it need not exist yet')
        .env('FLEET_LOG_FILE')
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--state-file <path>', 'remembers the place in the log across restarts').env('FLEET_STATE_FILE'),
    )
    .addOption(
      new Option('--from <place>', 'where to begin when no place is remembered')
        .choices(['start', 'end'])
        .default('start'),
    )
    .addOption(
      new Option('--interval-seconds <number>', 'length of a window')
        .env('FLEET_INTERVAL_SECONDS')
        .default(10)
        .argParser(parsePositiveNumber),
    )
    .action(async (settings: MonitorSettings, command: Command) => {
      const { startMonitor } = await import('./start.ts');
      await startMonitor(settings).catch((error: unknown) => command.error(`error: ${describeError(error)}`));
    });
}
