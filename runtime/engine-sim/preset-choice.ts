import { InvalidArgumentError } from 'commander';
import { type EnginePreset, enginePresets } from './presets.ts';

/** The preset of that name. Throws a usage error that lists the names. */
export function findPreset(name: string): EnginePreset {
  const preset = enginePresets.find((candidate) => candidate.name === name);
  if (preset !== undefined) return preset;
  const names = enginePresets.map((candidate) => candidate.name).join(', ');
  throw new InvalidArgumentError(`unknown preset "${name}"; there are ${names}.`);
}

/** Every preset: each figure and where it comes from, for `--print-presets`. */
export function renderPresets(): string {
  return enginePresets.map(renderPreset).join('\n');
}

function renderPreset({ name, summary, settings, derivations }: EnginePreset): string {
  const fields = Object.entries(settings).map(([field, value]) => {
    const figure = value === undefined ? 'unlimited' : String(value);
    const derivation = (derivations as Readonly<Record<string, string | undefined>>)[field] ?? '';
    return `  ${field.padEnd(34)} ${figure.padEnd(12)} ${derivation}`.trimEnd();
  });
  return `${name}: ${summary}\n${fields.join('\n')}\n`;
}
