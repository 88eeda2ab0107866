import type { UpOptions } from './options.ts';
import { logFolder, routerUrl } from './plan.ts';
import { shownPath } from './shown-path.ts';

/** A worker as the summary names it. */
export interface WorkerEndpoint {
  readonly name: string;
  readonly engineUrl: string;
  /** Undefined for an engine that already ran. */
  readonly runnerUrl: string | undefined;
}

/** The lines that a user gets once the fleet serves: every endpoint, and a command that works as it stands. */
export function summaryLines(options: UpOptions, workers: readonly WorkerEndpoint[], model: string | null): string[] {
  const url = routerUrl(options);
  const width = Math.max(...['router', ...workers.map(({ name }) => name)].map((name) => name.length));
  const body = { model: model ?? 'default', messages: [{ role: 'user', content: 'Hello!' }], max_tokens: 32 };
  return [
    '',
    `  ${'router'.padEnd(width)}  ${url}/v1  (OpenAI API)`,
    ...workers.map(({ name, engineUrl, runnerUrl }) => {
      const runner = runnerUrl === undefined ? '' : `  runner ${runnerUrl}`;
      return `  ${name.padEnd(width)}  engine ${engineUrl}${runner}`;
    }),
    `  ${'logs'.padEnd(width)}  ${shownPath(logFolder(options))}`,
    '',
    'Try it:',
    '',
    `  curl -s ${url}/v1/chat/completions -H 'content-type: application/json' \\`,
    `    -d '${shellQuoted(JSON.stringify(body))}'`,
    '',
    'Ctrl-C drains and ends everything; a second Ctrl-C ends it at once.',
  ];
}

/** For use between single quotes in a POSIX shell. */
function shellQuoted(text: string): string {
  return text.replaceAll("'", `'\\''`);
}
