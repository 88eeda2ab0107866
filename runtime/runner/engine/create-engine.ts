import type { Logger } from '../../shared/log.ts';
import type { RunLock } from '../../shared/process/run-lock.ts';
import { fail } from '../errors.ts';
import type { RunnerOptions } from '../options.ts';
import type { Engine } from './engine.ts';
import type { LeftoverEngine } from './engine-record.ts';
import { ExternalEngine } from './external-engine.ts';
import { SupervisedEngine } from './supervised-engine.ts';

/**
 * The engine that the options ask for, not yet started.
 * @param leftover of an earlier run, to be taken over instead of the first launch
 * @throws coded errors when the options cannot work together
 */
export function createEngine(options: RunnerOptions, lock: RunLock, log: Logger, leftover?: LeftoverEngine): Engine {
  if (options.engine.kind !== 'external') return new SupervisedEngine(options, lock, log, leftover);
  if (options.engine.url === undefined) throw fail('ENGINE_URL_MISSING');
  return new ExternalEngine(options.engine.url, options.timeScale, log);
}
