import { readFileSync } from 'node:fs';

let values: Readonly<Record<string, unknown>> | undefined;

/** Every argument of an SGLang 0.5.23 server with the value that it has unless told otherwise. */
export function defaultServerArguments(): Readonly<Record<string, unknown>> {
  values ??= JSON.parse(readFileSync(new URL('./server-arguments.json', import.meta.url), 'utf8'));
  return values!;
}
