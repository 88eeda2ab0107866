import { flagMistakes } from './launch-command.ts';

/** What carries the requests: this router's own relay, or the upstream router as a process that is managed here. */
export const routerEngines = ['builtin', 'sglang-router'] as const;
export type RouterEngine = (typeof routerEngines)[number];

/** How the managed router is found and what it is told. */
export interface ManagedOptions {
  /** Python that has the package `sglang-router`; not used when there is a `program`. */
  readonly python: string;
  /** The package's own program (`sglang-router` or `smg`), or one that takes the same arguments. */
  readonly program: string | undefined;
  /** Passed to it as they are. */
  readonly extraArguments: readonly string[];
}

/** Options as the command line and the environment give them. */
export interface ManagedFlags {
  readonly routerEngine: RouterEngine;
  readonly sglangRouterPython?: string;
  readonly sglangRouterProgram?: string;
  /** Separated by white space. */
  readonly sglangRouterArguments?: string;
}

/** Options of the built-in relay that sglang-router does not follow, by their names in `RouterConfig`. */
const relayOptions: Readonly<Record<string, string>> = {
  policy:
    '--policy is the built-in relay\'s: give sglang-router its own after "--", such as "-- --policy round_robin".',
  maxConcurrentPerWorker:
    "--max-concurrent-per-worker is the built-in relay's, which chooses the worker; --max-concurrent-requests works with both.",
  engineInsecure:
    "--engine-insecure is the built-in relay's: sglang-router checks certificates; name their authorities with --engine-ca.",
};

/**
 * @param extraArguments what stood after `--`
 * @returns undefined for the built-in relay
 */
export function managedOptions(flags: ManagedFlags, extraArguments: readonly string[]): ManagedOptions | undefined {
  if (flags.routerEngine === 'builtin') return undefined;
  return {
    python: flags.sglangRouterPython ?? 'python3',
    program: flags.sglangRouterProgram,
    extraArguments: [...wordsOf(flags.sglangRouterArguments), ...extraArguments],
  };
}

/**
 * What contradicts itself in the options, a sentence for each; empty when nothing does.
 * @param isGiven whether a user gave an option of `RouterConfig`, rather than its default holding
 */
export function managedMistakes(
  flags: ManagedFlags,
  extraArguments: readonly string[],
  isGiven: (name: string) => boolean,
): string[] {
  const args = [...wordsOf(flags.sglangRouterArguments), ...extraArguments];
  if (flags.routerEngine === 'builtin') {
    return args.length > 0 ? [`${args[0]} is for sglang-router: give --router-engine sglang-router beside it.`] : [];
  }
  const mistakes = Object.keys(relayOptions).flatMap((name) => (isGiven(name) ? [relayOptions[name]!] : []));
  if (flags.sglangRouterPython !== undefined && flags.sglangRouterProgram !== undefined) {
    mistakes.push('--sglang-router-python and --sglang-router-program name two programs: give one of them.');
  }
  return [...mistakes, ...flagMistakes(args)];
}

function wordsOf(text = ''): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
