import { InvalidArgumentError } from 'commander';
import type { EnginePreset } from './presets.ts';
import * as catalogue from './presets.ts';

const presets: readonly EnginePreset[] = Object.values(catalogue).filter(isPreset);

function isPreset(value: unknown): value is EnginePreset {
  return typeof value === 'object' && value !== null && 'settings' in value && 'name' in value;
}

/** The preset of that name. Throws a usage error that lists the names. */
export function findPreset(name: string): EnginePreset {
  const preset = presets.find((candidate) => candidate.name === name);
  if (preset !== undefined) return preset;
  const names = presets.map((candidate) => candidate.name).join(', ');
  throw new InvalidArgumentError(`unknown preset "${name}"; there are ${names}.`);
}

/** Every preset with its settings, for `--print-presets`. */
export function renderPresets(): string {
  return presets.map(({ name, summary, settings }) => `${name}: ${summary}\n${renderSettings(settings)}`).join('\n');
}

function renderSettings(settings: EnginePreset['settings']): string {
  return Object.entries(settings)
    .map(([field, value]) => `  ${field}: ${value ?? 'unlimited'}\n`)
    .join('');
}
