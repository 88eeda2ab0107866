import { spawnSync } from 'node:child_process';
import { portProblem } from '../../shared/process/free-port.ts';
import { UserError } from '../user-error.ts';
import type { UpOptions } from './options.ts';

/** Finds what would make the start fail in a way that is hard to read. @throws UserError */
export async function preflight(options: UpOptions): Promise<void> {
  if (options.engines.kind === 'sglang') requireSglang(options.engines.python);
  const problem = await portProblem(options.port, options.host);
  if (problem !== undefined) throw new UserError(describePortProblem(problem, options));
}

function describePortProblem(problem: string, { port, host }: UpOptions): string {
  switch (problem) {
    case 'EADDRINUSE':
      return (
        `port ${port} on ${host} is in use by another program.\n` +
        `Stop that program, or choose another port: \`npm start -- --port ${port + 1}\`.`
      );
    case 'EACCES':
      return `no permission to listen on port ${port}.\nPorts below 1024 need privileges: choose another one with --port.`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `${host} is not an address of this machine.\nUse --host 127.0.0.1, or 0.0.0.0 for all its addresses.`;
    default:
      return `cannot listen on ${host}:${port} (${problem}).\nChoose another address with --host and --port.`;
  }
}

/** Looks for the package without importing it, which would take seconds. */
function requireSglang(python: string): void {
  const probe = 'import importlib.util, sys; sys.exit(importlib.util.find_spec("sglang") is None)';
  const { error, status } = spawnSync(python, ['-c', probe], { stdio: 'ignore' });
  if (error) throw new UserError(`cannot run ${python}: ${error.message}.\nName another one with --python.`);
  if (status !== 0) {
    throw new UserError(
      `SGLang is not installed for ${python}, and --model launches a real SGLang engine.\n` +
        `Install it (\`${python} -m pip install sglang\`, needs a GPU), name another Python with --python, ` +
        'or leave --model out to simulate the engines.',
    );
  }
}
