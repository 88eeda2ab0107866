/** What a test needs of a systemd service. */
export interface ServiceUnit {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly isOneshot: boolean;
}

/** Reads a service's text the way systemd does, as far as these units go: quotes, `%%`, and `$$` in commands. */
export function parseUnit(text: string): ServiceUnit {
  const settings = text
    .split('\n')
    .map((line) => /^(\w+)=(.*)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, name, value]) => [name!, value!] as const);
  const valuesOf = (name: string) => settings.filter(([key]) => key === name).map(([, value]) => value);
  const [execStart, ...more] = valuesOf('ExecStart');
  if (execStart === undefined || more.length > 0) throw new Error(`A service has one ExecStart:\n${text}`);
  const assignments = valuesOf('Environment').flatMap((line) => wordsOf(line));
  return {
    command: wordsOf(execStart).map((word) => word.replaceAll('$$', '$')),
    environment: Object.fromEntries(
      assignments.map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]),
    ),
    isOneshot: valuesOf('Type').includes('oneshot'),
  };
}

function wordsOf(line: string): string[] {
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, plain]) =>
    (
      quoted?.replaceAll(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character)) ?? plain!
    ).replaceAll('%%', '%'),
  );
}
