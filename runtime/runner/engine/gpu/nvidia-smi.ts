import { spawn } from 'node:child_process';

/** Answer of one call. `absent`: this machine has no such program. */
export type SmiAnswer =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'absent' };

/** A healthy one answers within a second or two; on a GPU that hangs it hangs too, and may not even be killable. */
export const smiLimitMs = 20_000;
const maxOutputChars = 64 * 1_024;

/**
 * Calls `nvidia-smi`, found by the PATH. Never rejects, and never takes longer than `limitMs` plus a moment.
 * @param args e.g. `--query-gpu=name --format=csv,noheader`
 */
export function callNvidiaSmi(args: readonly string[], limitMs = smiLimitMs): Promise<SmiAnswer> {
  return new Promise((resolve) => {
    const child = spawn('nvidia-smi', args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(0, maxOutputChars);
      });
    }
    const settle = (answer: SmiAnswer) => {
      clearTimeout(limit);
      resolve(answer);
    };
    const limit = setTimeout(() => {
      child.kill('SIGKILL');
      // One that cannot be killed must not hold this process.
      child.stdout.destroy();
      child.stderr.destroy();
      child.unref();
      settle({ kind: 'failed', reason: `nvidia-smi did not answer within ${limitMs / 1_000} s` });
    }, limitMs);
    child.once('error', (error: NodeJS.ErrnoException) => {
      settle(error.code === 'ENOENT' ? { kind: 'absent' } : { kind: 'failed', reason: error.message });
    });
    child.once('close', (code, signal) => {
      if (code === 0) settle({ kind: 'text', text: output });
      else settle({ kind: 'failed', reason: `nvidia-smi: ${firstLine(output) || (signal ?? `status ${code}`)}` });
    });
  });
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0]!.slice(0, 300);
}

/** Rows of `--format=csv,noheader,nounits`. */
export function csvRows(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.split(',').map((field) => field.trim()));
}
