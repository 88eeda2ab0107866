import { findContradictions } from './contradictions.ts';
import { type EngineSettings, type GivenArgument, readArguments, readSettings } from './given-arguments.ts';

/** What contradicts the runner by itself, and why. */
const refused: Readonly<Record<string, string>> = {
  host: 'contradicts the runner, which sets it itself. Use --listen-host instead.',
  port: 'contradicts the runner, which sets it itself. Use --engine-port instead.',
  modelPath: 'contradicts the runner, which sets it itself. Use --model instead.',
  // Its own generation, load readings and sandboxes come without a key, so such an engine would never become ready.
  apiKey: 'contradicts the runner, which asks the engine without a key. Give keys to the router instead: --api-keys.',
};

/** Both feed the router: load and hit rates per engine, cached tokens per answer. */
const defaultFlags = ['--enable-metrics', '--enable-cache-report'];

export interface EngineArguments {
  readonly args: readonly string[];
  /** What keeps the engine from running as asked, one sentence each. Empty when all is well. */
  readonly mistakes: readonly string[];
}

/**
 * The flags of an SGLang server beside its model and address: settings by our names and raw words in one list, known
 * flags in their current spelling, unknown ones untouched. Nothing is left for SGLang to choose: a flag that was given twice
 * with different values is a mistake, since it would silently take the last.
 */
export function engineArguments(settings: EngineSettings, rawArguments: readonly string[]): EngineArguments {
  const fromSettings = readSettings(settings);
  const given = [...fromSettings.given, ...readArguments(rawArguments)];
  const { unique, mistakes: repeated } = withoutRepetition(given);
  const isGiven = (flag: string) => unique.some((it) => it.flag === flag) || fromSettings.switchedOff.has(flag);
  return {
    args: [...defaultFlags.filter((flag) => !isGiven(flag)), ...unique.flatMap((it) => it.words)],
    mistakes: [
      ...fromSettings.mistakes,
      ...unique.flatMap(refusedMistake),
      ...switchedOffMistakes(given, fromSettings.switchedOff),
      ...repeated,
      ...findContradictions(unique),
    ],
  };
}

/** What is wrong with arguments for a program that is not SGLang itself but takes a model and an address like it. */
export function refusedArguments(rawArguments: readonly string[]): string[] {
  return readArguments(rawArguments).flatMap(refusedMistake);
}

function refusedMistake(it: GivenArgument): string[] {
  const reason = it.setting && refused[it.setting.name];
  return reason === undefined ? [] : [`${it.spelling} ${reason}`];
}

function switchedOffMistakes(given: readonly GivenArgument[], switchedOff: ReadonlySet<string>): string[] {
  return given
    .filter((it) => switchedOff.has(it.flag))
    .map(
      (it) =>
        `${it.flag} is false in the engine settings and given in the engine arguments (${it.spelling}): keep one.`,
    );
}

/** An unknown flag may be one that collects its repetitions; only settings and arguments must not disagree about it. */
function withoutRepetition(given: readonly GivenArgument[]): { unique: GivenArgument[]; mistakes: string[] } {
  const unique: GivenArgument[] = [];
  const mistakes: string[] = [];
  for (const it of given) {
    const earlier = unique.find((other) => isSame(other, it));
    if (earlier === undefined) unique.push(it);
    else if (earlier.values.join('\0') !== it.values.join('\0')) {
      mistakes.push(`${describe(earlier)} and ${describe(it)}: give it once.`);
    }
  }
  return { unique, mistakes };
}

function isSame(one: GivenArgument, other: GivenArgument): boolean {
  if (one.setting !== undefined || other.setting !== undefined) return one.setting === other.setting;
  return one.flag !== '' && one.flag === other.flag && one.source !== other.source;
}

function describe({ flag, spelling, values, source, setting }: GivenArgument): string {
  const place = `in the engine ${source}${spelling === flag ? '' : ` (${spelling})`}`;
  if (setting?.isSecret) return `${flag} has one value ${place}`;
  return `${flag} is ${values.length === 0 ? 'on' : values.join(' ')} ${place}`;
}
