import { Command, InvalidArgumentError, Option } from 'commander';
import { parseBaseUrl, parseIntegerIn, parsePositiveNumber } from '../../shared/options.ts';
import type { CapacityFlags } from './run.ts';

export function capacityCommand(): Command {
  const percent = parseIntegerIn(1, 100);
  return new Command('capacity')
    .description('measure how many sessions this machine carries; run it where the sandboxes run')
    .addOption(
      new Option('--runner-url <url>', 'a runner that already runs (default: one of its own, with a simulated engine)')
        .env('FLEET_RUNNER_URL')
        .argParser(parseBaseUrl),
    )
    .addOption(
      new Option('--memory <limits>', 'memory limits of a sandbox to measure, in MB, "none" for no limit')
        .argParser(parseMemoryLimits)
        .default([512, 256, 128, null], '512,256,128,none'),
    )
    .option('--max-sessions <count>', 'never more sessions than this', parseIntegerIn(1, 10_000), 400)
    .option('--max-seconds <seconds>', 'time for one memory limit', parsePositiveNumber, 180)
    .option('--turn-seconds <seconds>', 'time between two messages of a session', parsePositiveNumber, 5)
    .option('--latency-ms <ms>', 'longest acceptable wait for a first event', parsePositiveNumber, 500)
    .option('--cpu-percent <percent>', 'CPU use that counts as full', percent, 90)
    .option('--reserve-percent <percent>', 'memory that must stay free, of what is free at the start', percent, 20)
    .addOption(
      new Option('--internal-secret <secret>', 'bearer secret of the runner; better given in the environment').env(
        'FLEET_INTERNAL_SECRET',
      ),
    )
    .option('--json', 'print the figures as JSON')
    .action(async (flags: CapacityFlags) => {
      const { runCapacity } = await import('./run.ts');
      await runCapacity(flags);
    });
}

function parseMemoryLimits(text: string): (number | null)[] {
  return text.split(',').map((word) => {
    if (word.trim() === 'none') return null;
    const value = Number(word);
    if (!Number.isInteger(value) || value < 16) {
      throw new InvalidArgumentError('expected whole numbers of MB, at least 16, or "none", separated by commas.');
    }
    return value;
  });
}
