import { existsSync } from 'node:fs';
import path from 'node:path';
import { fill } from '../../shared/errors.ts';
import { fail } from '../errors.ts';
import type { EngineOptions } from '../options.ts';

export interface EngineCommand {
  readonly file: string;
  readonly args: readonly string[];
  /** The program ends by itself when the IPC channel to the runner closes. */
  readonly endsWithParent: boolean;
}

export interface EngineAddress {
  /** Address to listen on. */
  readonly host: string;
  readonly port: number;
}

const simulatorProgram = path.join(import.meta.dirname, '../../cli/main.ts');
const endWithParent = path.join(import.meta.dirname, '../../shared/process/end-with-parent.ts');

/** Engine flags that the runner sets itself, with the option that a user should set instead. */
const takenArguments: Readonly<Record<string, string>> = {
  '--host': '--listen-host',
  '--port': '--engine-port',
  '--model-path': '--model',
  '--model': '--model',
};

/** The command line that launches the engine. @throws coded errors when the options cannot work together. */
export function engineCommand(options: EngineOptions, address: EngineAddress, timeScale: number): EngineCommand {
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

function simulator(options: EngineOptions, address: EngineAddress, timeScale: number): EngineCommand {
  if (!existsSync(simulatorProgram)) throw fail('SIMULATOR_MISSING', { file: simulatorProgram });
  const model = options.model === undefined ? [] : ['--model-name', options.model];
  return {
    file: process.execPath,
    args: [
      '--import',
      endWithParent,
      simulatorProgram,
      'sim',
      ...listen(address),
      ...model,
      '--time-scale',
      String(timeScale),
      ...options.extraArguments,
    ],
    endsWithParent: true,
  };
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
