import { existsSync } from 'node:fs';
import path from 'node:path';
import { fill } from '../../shared/errors.ts';
import { nodeCommand, type ProcessCommand } from '../../shared/process/owned-process.ts';
import { fail } from '../errors.ts';
import type { EngineOptions } from '../options.ts';
import { engineArguments, refusedArguments } from './arguments/engine-arguments.ts';
import { containerCommand } from './container/container-command.ts';

export interface EngineAddress {
  /** Address to listen on. */
  readonly host: string;
  readonly port: number;
}

const simulatorProgram = path.join(import.meta.dirname, '../../cli/main.ts');

/**
 * The command line that launches the engine.
 * @param environment the engine's, of which a container takes some over
 * @throws coded errors when the options cannot work together; all mistakes in the engine's arguments at once
 */
export function engineCommand(
  options: EngineOptions,
  address: EngineAddress,
  timeScale: number,
  environment: NodeJS.ProcessEnv = {},
): ProcessCommand {
  switch (options.kind) {
    case 'simulator':
      refuse([...settingsMistakes(options), ...refusedArguments(options.extraArguments)]);
      return simulator(options, address, timeScale);
    case 'sglang':
      return own(options.python, ['-m', 'sglang.launch_server', ...sglang(options, address)]);
    case 'sglang-serve':
      return own('sglang', ['serve', ...sglang(options, address)]);
    case 'container':
      return own(
        options.container.program,
        containerCommand(options, ['python3', '-m', 'sglang.launch_server', ...sglang(options, address)], environment),
      );
    case 'command': {
      refuse(settingsMistakes(options));
      if (options.command === undefined) throw fail('ENGINE_COMMAND_MISSING');
      const command = fill(options.command, { host: address.host, port: address.port, model: options.model ?? '' });
      // `exec`, so that the pid is the engine's own and SIGTERM reaches it rather than a shell.
      return own('/bin/sh', ['-c', `exec ${command} "$@"`, 'sh', ...options.extraArguments]);
    }
    case 'external':
      throw new Error('An external engine has no command.');
  }
}

function own(file: string, args: readonly string[]): ProcessCommand {
  return { file, args, endsWithParent: false };
}

/** The flags of an SGLang server, whatever launches it. */
function sglang(options: EngineOptions, address: EngineAddress): string[] {
  if (options.model === undefined) throw fail('MODEL_MISSING');
  const { args, mistakes } = engineArguments(options.settings, options.extraArguments);
  refuse(mistakes);
  return ['--model-path', options.model, ...listen(address), ...args];
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

function settingsMistakes({ kind, settings }: EngineOptions): string[] {
  const [name] = Object.keys(settings);
  if (name === undefined) return [];
  return [`--engine-setting ${name} is for SGLang and contradicts --engine ${kind}. Put its arguments behind --.`];
}

function refuse(mistakes: readonly string[]): void {
  if (mistakes.length === 0) return;
  throw fail('ENGINE_ARGUMENTS_INVALID', { mistakes: mistakes.map((mistake) => `  ${mistake}`).join('\n') });
}
