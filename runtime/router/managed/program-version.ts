import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describeError } from '../../shared/errors.ts';
import { launchEnvironment } from './launch-command.ts';
import type { ManagedOptions } from './options.ts';

/** Python alone may take seconds to start on a busy machine. */
const timeoutMs = 60_000;
const printVersion = 'from importlib.metadata import version; print(version("sglang-router"))';
/** The one that the tests run with. */
const testedVersion = '0.3.2';

/**
 * The version of the managed router's program, such as "0.3.2": a program that is not there, or is too old for the
 * worker API, is better known before the first launch than after many.
 * @throws Error that says what to install
 */
export async function readProgramVersion({ python, program }: ManagedOptions): Promise<string> {
  const [file, args] = program === undefined ? [python, ['-c', printVersion]] : [program, ['--version']];
  let output: string;
  try {
    const env = launchEnvironment(process.env);
    output = (await promisify(execFile)(file, args, { timeout: timeoutMs, killSignal: 'SIGKILL', env })).stdout;
  } catch (error) {
    throw new Error(notFound(file, program === undefined, error), { cause: error });
  }
  const version = output.match(/\d+\.\d+(?:\.\w+)*/)?.[0];
  if (version === undefined) throw new Error(`"${file} ${args.join(' ')}" does not name a version.`);
  if (isTooOld(version)) {
    throw new Error(`sglang-router ${version} is too old: 0.3.1 is the first with keys for its worker API. ${install}`);
  }
  return version;
}

const install = `Install it with "pip install sglang-router==${testedVersion}".`;

function isTooOld(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  return major === 0 && (minor < 3 || (minor === 3 && patch < 1));
}

function notFound(file: string, isPython: boolean, error: unknown): string {
  if (!isPython) return `--sglang-router-program ${file} could not be run: ${describeError(error)}`;
  const { code, stderr } = error as { code?: unknown; stderr?: string };
  if (code === 'ENOENT')
    return `There is no ${file} here: name the Python of sglang-router with --sglang-router-python.`;
  const lastLine = stderr?.trim().split('\n').at(-1) ?? '';
  return `${file} has no sglang-router (${lastLine}). ${install} Or name another Python with --sglang-router-python.`;
}
