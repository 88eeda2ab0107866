import { Command } from 'commander';
import type { ChatCommandOptions } from './chat.ts';
import { apiKeyOption, urlOption } from './router-options.ts';

export function chatCommand(): Command {
  return new Command('chat')
    .description('talk to the fleet in the terminal; piped lines are one message each')
    .addOption(urlOption())
    .option('--model <name>', 'model to ask for (default: the one that the server offers)')
    .option('--system <text>', 'system prompt')
    .option('--message <text>', 'send this one message, print the answer and leave')
    .addOption(apiKeyOption())
    .action(async (options: ChatCommandOptions) => {
      const { runChat } = await import('./chat.ts');
      await runChat(options);
    });
}
