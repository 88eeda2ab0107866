// Entry of the bundled router daemon; `fleet router` runs the same command.
import { routerCommand } from './command.ts';

await routerCommand().parseAsync();
