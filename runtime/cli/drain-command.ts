import { Command, Option } from 'commander';
import { parseBaseUrl, parsePositiveNumber } from '../shared/options.ts';
import type { DrainCommandOptions } from './drain.ts';
import { apiKeyOption, urlOption } from './router-options.ts';

export function drainCommand(): Command {
  return new Command('drain')
    .description('take a worker out of service: no new requests, those in flight end, sessions move, its engine stops')
    .argument('[worker]', 'worker, runner or instance, as `fleet status` names it')
    .addOption(urlOption())
    .addOption(new Option('--runner-url <url>', 'ask this runner itself instead of a router').argParser(parseBaseUrl))
    .addOption(
      new Option('--internal-secret <secret>', "the fleet's secret, for --runner-url; safer in the environment").env(
        'FLEET_INTERNAL_SECRET',
      ),
    )
    .addOption(apiKeyOption())
    .option('--no-wait', 'return as soon as the drain has begun')
    .addOption(
      new Option('--timeout-seconds <seconds>', 'longest wait for the end of the drain')
        .argParser(parsePositiveNumber)
        .default(3_600),
    )
    .action(async (worker: string | undefined, options: DrainCommandOptions) => {
      const { runDrain } = await import('./drain.ts');
      await runDrain(worker, options);
    });
}
