import { Argument, Command } from 'commander';
import type { CommandResult } from '../../lib/config/commands.ts';
import { reportUserErrors, UserError } from './user-error.ts';

// What a fleet file means is known to lib/config alone. This command, which runs from the repository and is part of no
// daemon's bundle, is the one place of runtime/ that reaches it, and only when it runs: test/lib/config-reach.test.ts.
const commands = () => import('../../lib/config/commands.ts');

export function configCommand(): Command {
  const config = new Command('config').description('check and explain fleet files');
  config
    .command('check')
    .description('report all mistakes of fleet files, each with its line, value and advice')
    .argument('<file...>', 'fleet files, such as fleets/dev.yaml')
    .option('--strict', 'take warnings for mistakes')
    .action(async (files: string[], options: { strict?: boolean }) => {
      const { checkFiles } = await commands();
      print(checkFiles(files, { isStrict: options.strict ?? false }));
    });
  config
    .command('explain')
    .description('show every effective value with where it comes from and what it means')
    .argument('<file>', 'fleet file, such as fleets/dev.yaml')
    .argument('[path]', 'only what is below it, such as workers[0].purchase')
    .option('--json', 'print JSON')
    .action((file: string, prefix: string | undefined, options: { json?: boolean }) =>
      reportUserErrors('config explain', async () => {
        const { explainFile } = await commands();
        print(await asUserError(() => explainFile(file, prefix, options.json ?? false)));
      }),
    );
  config
    .command('schema')
    .description('print the JSON Schema of fleet files')
    .addArgument(new Argument('[name]', 'which files').choices(['fleet', 'model']).default('fleet'))
    .option('--write', 'write fleets/fleet.schema.json and models/model.schema.json instead')
    .action(async (name: 'fleet' | 'model', options: { write?: boolean }) => {
      const { schemaOf } = await commands();
      print(schemaOf(name, options.write ?? false));
    });
  return config;
}

function print({ output, isGood }: CommandResult): void {
  (isGood ? console.log : console.error)(output);
  if (!isGood) process.exitCode = 1;
}

/** The mistakes of a file are the user's to correct. */
async function asUserError<Result>(run: () => Result): Promise<Result> {
  const { FleetConfigError } = await import('../shared/config-mistakes.ts');
  try {
    return run();
  } catch (error) {
    if (error instanceof FleetConfigError) throw new UserError(error.message, { cause: error });
    throw error;
  }
}
