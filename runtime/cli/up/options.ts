import path from 'node:path';
import { findPreset } from '../../engine-sim/preset-choice.ts';
import { describeError } from '../../shared/errors.ts';
import { UserError } from '../user-error.ts';

/** Options as the command line and the environment give them. */
export interface UpFlags {
  readonly port: number;
  readonly host: string;
  readonly workers?: number;
  readonly policy?: string;
  readonly preset?: string;
  readonly timeScale: number;
  readonly engineUrl?: readonly string[];
  readonly model?: string;
  readonly python: string;
  readonly dataDir: string;
  readonly drainSeconds: number;
}

/** Where the engines of the local fleet come from. */
export type EngineSource =
  | { readonly kind: 'simulator'; readonly workers: number }
  | { readonly kind: 'sglang'; readonly workers: number; readonly model: string; readonly python: string }
  | { readonly kind: 'external'; readonly urls: readonly string[] };

export interface UpOptions {
  readonly port: number;
  readonly host: string;
  readonly policy: string | undefined;
  readonly engines: EngineSource;
  /** Passed to every launched engine. */
  readonly engineArguments: readonly string[];
  readonly timeScale: number;
  readonly dataDir: string;
  readonly drainSeconds: number;
}

const defaultWorkers = 3;

/** @throws UserError when options contradict each other */
export function resolveUpOptions(flags: UpFlags, engineArguments: readonly string[]): UpOptions {
  const engines = engineSource(flags);
  if (engines.kind === 'external' && engineArguments.length > 0) {
    throw new UserError('--engine-url names engines that already run; arguments for engines have nowhere to go.');
  }
  return {
    port: flags.port,
    host: flags.host,
    policy: flags.policy,
    engines,
    engineArguments: [...presetArguments(flags.preset, engines), ...engineArguments],
    timeScale: flags.timeScale,
    dataDir: path.resolve(flags.dataDir),
    drainSeconds: flags.drainSeconds,
  };
}

function engineSource({ engineUrl, model, python, workers }: UpFlags): EngineSource {
  if (engineUrl !== undefined) {
    if (model !== undefined) throw new UserError('--engine-url and --model contradict each other: give one of them.');
    if (workers !== undefined) throw new UserError('--workers does not go with --engine-url: no worker is started.');
    return { kind: 'external', urls: [...new Set(engineUrl)] };
  }
  // One GPU is what a single machine has most often; several take --workers.
  if (model !== undefined) return { kind: 'sglang', workers: workers ?? 1, model, python };
  return { kind: 'simulator', workers: workers ?? defaultWorkers };
}

function presetArguments(preset: string | undefined, engines: EngineSource): string[] {
  if (preset === undefined) return [];
  if (engines.kind !== 'simulator') throw new UserError('--preset is for simulated engines; leave it out here.');
  try {
    return ['--preset', findPreset(preset).name];
  } catch (error) {
    throw new UserError(describeError(error), { cause: error });
  }
}
