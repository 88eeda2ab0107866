import { Command } from 'commander';
import { apiKeyOption, urlOption } from './router-options.ts';
import type { StatusCommandOptions } from './status.ts';

export function statusCommand(): Command {
  return new Command('status')
    .description('show the fleet behind a router as a table')
    .addOption(urlOption())
    .option('--json', 'print the answer of GET /api/fleet')
    .option('--watch', 'look again every 2 seconds until Ctrl-C')
    .addOption(apiKeyOption())
    .action(async (options: StatusCommandOptions) => {
      const { runStatus } = await import('./status.ts');
      await runStatus(options);
    });
}
