import { Command } from 'commander';

/** `fleet logs`: look into engine logs. */
export function logsCommand(): Command {
  const parse = new Command('parse')
    .description('print what is understood of an engine log, one JSON object per line')
    .argument('<file>', 'the log, or - for standard input')
    .option('--all', 'also start-up, crash, drain and access lines, and every detail of batch lines', false)
    .action(async (file: string, options: { readonly all: boolean }) => {
      const { printParsedLog } = await import('./print-parsed-log.ts');
      await printParsedLog(file, options);
    });
  return new Command('logs').description('look into engine logs').addCommand(parse);
}
