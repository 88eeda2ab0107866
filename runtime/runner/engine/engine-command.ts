import { existsSync } from 'node:fs';
import path from 'node:path';
import { fill } from '../../shared/errors.ts';
import { nodeCommand, type ProcessCommand } from '../../shared/process/owned-process.ts';
import { fail } from '../errors.ts';
import type { EngineOptions } from '../options.ts';

export interface EngineAddress {
  /** Address to listen on. */
  readonly host: string;
  readonly port: number;
}

const simulatorProgram = path.join(import.meta.dirname, '../../cli/main.ts');

/** Engine flags that the runner sets itself, with the option that a user should set instead. */
const takenArguments: Readonly<Record<string, string>> = {
  '--host': '--listen-host',
  '--port': '--engine-port',
  '--model-path': '--model',
  '--model': '--model',
};

/** The command line that launches the engine. @throws coded errors when the options cannot work together. */
export function engineCommand(options: EngineOptions, address: EngineAddress, timeScale: number): ProcessCommand {
  const { extraArguments } = options;
  if (options.kind !== 'command') refuseTakenArguments(extraArguments);
  switch (options.kind) {
    case 'simulator':
      return simulator(options, address, timeScale);
    case 'sglang': {
      if (options.model === undefined) throw fail('MODEL_MISSING');
      const launch = ['-m', 'sglang.launch_server', '--model-path', options.model, ...listen(address)];
      return {
        file: options.python,
        // Both feed the router: load and hit rates per engine, cached tokens per answer.
        args: [...launch, '--enable-metrics', '--enable-cache-report', ...extraArguments],
        endsWithParent: false,
      };
    }
    case 'command': {
      if (options.command === undefined) throw fail('ENGINE_COMMAND_MISSING');
      const command = fill(options.command, { host: address.host, port: address.port, model: options.model ?? '' });
      // `exec`, so that the pid is the engine's own and SIGTERM reaches it rather than a shell.
      return { file: '/bin/sh', args: ['-c', `exec ${command} "$@"`, 'sh', ...extraArguments], endsWithParent: false };
    }
    case 'external':
      throw new Error('An external engine has no command.');
  }
}

function simulator(options: EngineOptions, address: EngineAddress, timeScale: number): ProcessCommand {
  if (!existsSync(simulatorProgram)) throw fail('SIMULATOR_MISSING', { file: simulatorProgram });
  const model = options.model === undefined ? [] : ['--model-name', options.model];
  const speed = ['--time-scale', String(timeScale)];
  return nodeCommand(simulatorProgram, ['sim', ...listen(address), ...model, ...speed, ...options.extraArguments]);
}

function listen(address: EngineAddress): string[] {
  return ['--host', address.host, '--port', String(address.port)];
}

function refuseTakenArguments(args: readonly string[]): void {
  for (const argument of args) {
    const option = takenArguments[argument.split('=')[0]!];
    if (option !== undefined) throw fail('ENGINE_ARGUMENT_TAKEN', { argument, option });
  }
}

/** The environment of an engine: the fleet's secrets are not its business; Python holds back its output unless told. */
export function engineEnvironment(own: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { FLEET_INTERNAL_SECRET: _, FLEET_API_KEYS: __, ...environment } = own;
  return { PYTHONUNBUFFERED: '1', ...environment };
}
