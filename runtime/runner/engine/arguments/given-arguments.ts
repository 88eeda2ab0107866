import { findSetting, flagOf, type SglangSetting } from './sglang-settings.ts';

export type SettingValue =
  | string
  | number
  | boolean
  | readonly (string | number)[]
  | { readonly [name: string]: unknown };
/** Settings by name, ours or any spelling of SGLang's; see sglang-settings.ts. `false` leaves a flag out. */
export type EngineSettings = Readonly<Record<string, SettingValue>>;

/** One flag with its values, from either source. */
export interface GivenArgument {
  /** As it is written to SGLang; empty for words in front of the first flag. */
  readonly flag: string;
  readonly values: readonly string[];
  /** Undefined for a flag that is not in the table. */
  readonly setting: SglangSetting | undefined;
  /** How the user wrote it, for messages. */
  readonly spelling: string;
  readonly source: 'settings' | 'arguments';
  /** The words of an unknown flag, untouched. */
  readonly words: readonly string[];
}

/** Settings that were turned off: their default flag is left out too. */
export interface ReadSettings {
  readonly given: readonly GivenArgument[];
  readonly switchedOff: ReadonlySet<string>;
  readonly mistakes: readonly string[];
}

/** Turns settings into flags. As in SGLang's own `--config`: true is the bare flag, a list several values, a map JSON. */
export function readSettings(settings: EngineSettings): ReadSettings {
  const given: GivenArgument[] = [];
  const switchedOff = new Set<string>();
  const mistakes: string[] = [];
  for (const [spelling, value] of Object.entries(settings)) {
    const known = findSetting(spelling);
    const flag = known?.flag ?? flagOf(spelling);
    const problem = known && valueProblem(known.setting, value);
    if (problem !== undefined) mistakes.push(`${spelling} ${problem}.`);
    else if (value === false) switchedOff.add(flag);
    else {
      const values = value === true ? [] : wordsOf(value);
      given.push({ flag, values, setting: known?.setting, spelling, source: 'settings', words: [flag, ...values] });
    }
  }
  return { given, switchedOff, mistakes };
}

/** Groups raw words by flag; `--flag=value` and `--flag value` are the same. Known flags get their current spelling. */
export function readArguments(words: readonly string[]): GivenArgument[] {
  const groups: string[][] = [];
  for (const word of words) {
    if (word.startsWith('--') || groups.length === 0) groups.push([word]);
    else groups.at(-1)!.push(word);
  }
  return groups.map((group) => {
    const [first, ...rest] = group as [string, ...string[]];
    if (!first.startsWith('--')) {
      return { flag: '', values: group, setting: undefined, spelling: first, source: 'arguments', words: group };
    }
    const equals = first.indexOf('=');
    const spelling = equals < 0 ? first : first.slice(0, equals);
    const values = equals < 0 ? rest : [first.slice(equals + 1), ...rest];
    const known = findSetting(spelling);
    const flag = known?.flag ?? spelling;
    const written = known === undefined ? group : [flag, ...values];
    return { flag, values, setting: known?.setting, spelling, source: 'arguments', words: written };
  });
}

function wordsOf(value: Exclude<SettingValue, boolean>): string[] {
  if (Array.isArray(value)) return value.map(String);
  return [typeof value === 'object' ? JSON.stringify(value) : String(value)];
}

function valueProblem({ kind, isSecret }: SglangSetting, value: SettingValue): string | undefined {
  const shown = isSecret ? 'has a value of another kind' : `is ${JSON.stringify(value)}`;
  const text = String(value);
  switch (kind) {
    case 'switch':
      return typeof value === 'boolean' ? undefined : `${shown}; it is a switch: write true or false`;
    case 'integer':
      return /^-?\d+$/.test(text) ? undefined : `${shown}; write a whole number`;
    case 'number':
      return typeof value !== 'boolean' && text.trim() !== '' && Number.isFinite(Number(text))
        ? undefined
        : `${shown}; write a number`;
    case 'text':
      return typeof value === 'string' || typeof value === 'number' ? undefined : `${shown}; write one value`;
    case 'list':
    case 'json':
      return typeof value === 'boolean' ? `${shown}; write its value` : undefined;
  }
}
