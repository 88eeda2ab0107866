import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { fail } from '../../errors.ts';
import type { EngineOptions } from '../../options.ts';
import { containerVariables } from '../engine-environment.ts';

/** Where images of SGLang look for downloaded weights. */
const cacheInContainer = '/root/.cache/huggingface';

/**
 * The arguments of `docker run` for an engine. `--init` forwards SIGTERM and reaps children: SGLang as process 1 ends
 * with status 0 even when it crashed. Values of the environment are not on the command line, which anybody can read.
 * @param command what runs inside
 * @throws ENGINE_IMAGE_MISSING
 */
export function containerCommand(
  { container, model }: EngineOptions,
  command: readonly string[],
  environment: NodeJS.ProcessEnv,
): string[] {
  const { image, name, options } = container;
  if (image === undefined) throw fail('ENGINE_IMAGE_MISSING');
  const cache = environment['HF_HOME'] ?? path.join(environment['HOME'] ?? homedir(), '.cache/huggingface');
  return [
    ...['run', '--init', '--rm', '--gpus', 'all', '--network', 'host', '--name', name],
    // Tensor-parallel ranks share memory, more than a container has by itself; NCCL pins some of it.
    ...['--ipc', 'host', '--ulimit', 'memlock=-1'],
    ...containerVariables(environment).flatMap((variable) => ['--env', variable]),
    // Else each launch downloads the weights again.
    ...['--volume', `${cache}:${cacheInContainer}`],
    ...(model !== undefined && path.isAbsolute(model) && existsSync(model) ? ['--volume', `${model}:${model}:ro`] : []),
    ...options,
    image,
    ...command,
  ];
}
