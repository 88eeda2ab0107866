import { describeError } from '../shared/errors.ts';

/** Something that the user can put right: shown as its message alone, without a stack trace. */
export class UserError extends Error {
  override readonly name: string = 'UserError';
}

/**
 * Runs a command's action. A UserError is printed and makes the exit status 1; anything else is a bug and passes
 * through with its stack.
 */
export async function reportUserErrors(commandName: string, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.error(`fleet ${commandName}: ${error.message}`);
    process.exitCode = 1;
  }
}

/** What, where and what to do when a server at `url` does not answer as it should. */
export function unreachable(url: string, error: unknown): UserError {
  return new UserError(
    `nothing answers at ${url} (${describeError(error)}).\n` +
      'Start a local fleet with `npm start`, or name a running router with --url or FLEET_URL.',
    { cause: error },
  );
}
