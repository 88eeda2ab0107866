import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describeFile, FleetConfigError } from '../../runtime/shared/config-mistakes.ts';
import { explainFleet } from './explain.ts';
import { schemaFiles } from './json-schema.ts';
import { readFleet } from './load.ts';
import { planOnFirstType } from './memory-plan.ts';
import type { WorkerGroupConfig } from './schema.ts';

/** What a `fleet config` command says, and whether it is satisfied. */
export interface CommandResult {
  readonly output: string;
  readonly isGood: boolean;
}

/** Mistakes and warnings of some fleet files; of a file without mistakes, what its workers have room for. */
export function checkFiles(files: readonly string[], { isStrict }: { readonly isStrict: boolean }): CommandResult {
  const results = files.map((file): CommandResult => {
    try {
      const { config, warnings } = readFleet(file);
      const summary = [`${file} has no mistakes`, ...config.workers.map((group) => `  ${describeGroup(group)}`)];
      const output = [...warnings.map((found) => describeFile(found, 'warning')), ...summary].join('\n');
      return { output, isGood: warnings.length === 0 || !isStrict };
    } catch (error) {
      if (!(error instanceof FleetConfigError)) throw error;
      return { output: error.message, isGood: false };
    }
  });
  return { output: results.map(({ output }) => output).join('\n'), isGood: results.every(({ isGood }) => isGood) };
}

/** Every effective value, or those below `prefix`. @throws FleetConfigError */
export function explainFile(file: string, prefix: string | undefined, asJson: boolean): CommandResult {
  const isAsked = (at: string) =>
    prefix === undefined || (at.startsWith(prefix) && /^([.[]|$)/.test(at.slice(prefix.length)));
  const values = explainFleet(readFleet(file)).filter(({ path: at }) => isAsked(at));
  if (values.length === 0) return { output: `${file} has nothing at ${prefix}`, isGood: false };
  if (asJson) return { output: JSON.stringify(values, null, 2), isGood: true };
  const lines = values.map(
    ({ path: at, value, from, meaning }) =>
      `${at} = ${value === undefined ? 'not set' : JSON.stringify(value)}\n    ${from}${meaning && `. ${meaning}`}`,
  );
  return { output: lines.join('\n'), isGood: true };
}

/** One of the schemas, or the files of both written anew. */
export function schemaOf(name: 'fleet' | 'model', isWriting: boolean): CommandResult {
  const files = schemaFiles();
  if (!isWriting) return { output: files[name].text.trimEnd(), isGood: true };
  const written = Object.values(files).map(({ file, text }) => {
    writeFileSync(file, text);
    return `wrote ${path.relative('.', file)}`;
  });
  return { output: written.join('\n'), isGood: true };
}

/** One line: what serves what, and how much context it has room for. */
function describeGroup(group: WorkerGroupConfig): string {
  const { name, model, instanceTypes } = group;
  const license = model.license === undefined ? '' : ` (${model.license})`;
  const plan = planOnFirstType(group);
  const room = plan ? `: room for ${count(plan.kvTokens)} tokens, ${contexts(plan.kvTokens, plan.contextTokens)}` : '';
  return `${name}: ${model.path}${license} on ${instanceTypes[0]}${room}`;
}

function contexts(kvTokens: number, contextTokens: number): string {
  return `${(kvTokens / contextTokens).toFixed(1)} x the longest context of ${count(contextTokens)}`;
}

const count = (value: number) => value.toLocaleString('en-US');
