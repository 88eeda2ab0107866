import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { type ProgramsOnPath, programsOnPath } from './programs-on-path.ts';

/** What programs/fake-sglang.ts does when it is launched. */
export interface FakeSglangScript {
  /** Written to stdout as they are. */
  readonly print?: readonly string[];
  /** @default serve */
  readonly next?: 'serve' | 'hang' | { readonly exit: number } | { readonly signal: NodeJS.Signals };
  /** Options of programs/fake-engine.ts when it serves. */
  readonly engine?: readonly string[];
}

export interface FakeSglang extends ProgramsOnPath {
  /** Also holds the script's place. */
  readonly env: { readonly PATH: string; readonly FAKE_SGLANG_SCRIPT: string };
  /** From the next launch on. */
  play(script: FakeSglangScript): void;
}

/** `python3` and `sglang` on the PATH, and other programs with them. */
export async function fakeSglang(
  script: FakeSglangScript = {},
  others: Record<string, string> = {},
): Promise<FakeSglang> {
  const programs = await programsOnPath({ python3: 'fake-sglang.ts', sglang: 'fake-sglang.ts', ...others });
  const file = path.join(programs.folder, 'script.json');
  const play = (played: FakeSglangScript) => writeFileSync(file, JSON.stringify(played));
  play(script);
  return { ...programs, env: { ...programs.env, FAKE_SGLANG_SCRIPT: file }, play };
}

/** What the last launch was called with, as it stands in the engine's log. */
export function lastCall(engineLog: string): { args: string[]; environment: Record<string, string> } | undefined {
  const calls = [...engineLog.matchAll(/^called with (.+)$/gm)];
  return calls.length === 0 ? undefined : JSON.parse(calls.at(-1)![1]!);
}
