// How the rehearsal runs commands and says what it does.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

export function say(text) {
  console.log(`\n== ${text}`);
}

/** Runs a command to its end, with the terminal attached. @throws when it fails */
export async function run(file, args, options = {}) {
  say([path.basename(file), ...args].join(' '));
  const child = spawn(file, args, { stdio: 'inherit', ...options });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${path.basename(file)} ${args[0]} ended with ${code}`);
}

/** Runs a command to its end. @returns how it ended, and what it said */
export async function capture(file, args, options = {}) {
  const env = { ...process.env, NO_COLOR: '1' };
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], env, ...options });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (output += bytes));
  const [code] = await once(child, 'close');
  return { code, output };
}
