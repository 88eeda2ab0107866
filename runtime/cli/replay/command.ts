import { Command, Option } from 'commander';
import { parseIntegerIn, parsePositiveNumber } from '../../shared/options.ts';
import { apiKeyOption, urlOption } from '../router-options.ts';
import { replayApis } from './request-body.ts';
import type { ReplayCommandOptions } from './run.ts';

const positiveInteger = parseIntegerIn(1, 2 ** 31 - 1);

export function replayCommand(): Command {
  return new Command('replay')
    .description('send a request trace (Mooncake format) to a router and measure the answers')
    .argument('<trace>', 'a .jsonl or .jsonl.gz file; traces/ holds one')
    .addOption(urlOption())
    .option('--rate-scale <factor>', 'arrivals this many times more often than in the trace', parsePositiveNumber, 1)
    .addOption(
      new Option('--time-scale <factor>', 'how many times faster than real time the simulated engines run')
        .env('FLEET_TIME_SCALE')
        .argParser(parsePositiveNumber)
        .default(1),
    )
    .option('--limit <requests>', 'only the first requests of the trace', positiveInteger)
    .option('--max-output-tokens <tokens>', 'cap on the length of each answer', positiveInteger)
    .option('--model <name>', 'model to ask for (default: the one that the server offers)')
    .addOption(new Option('--api <name>', 'endpoint to use').choices(replayApis).default('chat'))
    .option(
      '--seed <number>',
      'other text with the same sharing: nothing is cached yet',
      parseIntegerIn(0, 2 ** 31 - 1),
      0,
    )
    .option('--timeout <seconds>', 'longest for one request, in engine time', parsePositiveNumber, 1_800)
    .option('--json', 'print one JSON object')
    .addOption(apiKeyOption())
    .action(async (tracePath: string, options: ReplayCommandOptions) => {
      const { runReplay } = await import('./run.ts');
      await runReplay(tracePath, options);
    });
}
