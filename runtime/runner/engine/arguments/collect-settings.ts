import { InvalidArgumentError } from 'commander';
import type { EngineSettings, SettingValue } from './given-arguments.ts';

/**
 * Collects `--engine-setting name=value`, or a JSON object of several. A value is text; `true` and `false` are switches.
 * @throws InvalidArgumentError, which commander prints as a usage error
 */
export function collectEngineSettings(text: string, earlier: EngineSettings = {}): EngineSettings {
  return { ...earlier, ...(text.trimStart().startsWith('{') ? parseObject(text) : parsePair(text)) };
}

function parsePair(text: string): EngineSettings {
  const equals = text.indexOf('=');
  if (equals < 1) throw new InvalidArgumentError('expected name=value, e.g. tensorParallelSize=2, or a JSON object.');
  const value = text.slice(equals + 1);
  return { [text.slice(0, equals).trim()]: value === 'true' ? true : value === 'false' ? false : value };
}

function parseObject(text: string): EngineSettings {
  let parsed: object;
  try {
    parsed = JSON.parse(text) as object;
  } catch (error) {
    // The parser's own message quotes the text, which may hold a key.
    throw new InvalidArgumentError(`expected a JSON object, but it does not parse (${(error as Error).name}).`);
  }
  const empty = Object.entries(parsed).find(([, value]) => value === null);
  if (empty !== undefined) throw new InvalidArgumentError(`${empty[0]} is null; leave it out instead.`);
  return parsed as Readonly<Record<string, SettingValue>>;
}
