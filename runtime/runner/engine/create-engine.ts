import type { Logger } from '../../shared/log.ts';
import type { RunLock } from '../../shared/process/run-lock.ts';
import { fail } from '../errors.ts';
import type { RunnerOptions } from '../options.ts';
import type { Engine } from './engine.ts';
import { ExternalEngine } from './external-engine.ts';
import { SupervisedEngine } from './supervised-engine.ts';

/** The engine that the options ask for, not yet started. @throws coded errors when they cannot work together */
export function createEngine(options: RunnerOptions, lock: RunLock, log: Logger): Engine {
  if (options.engine.kind !== 'external') return new SupervisedEngine(options, lock, log);
  if (options.engine.url === undefined) throw fail('ENGINE_URL_MISSING');
  return new ExternalEngine(options.engine.url, options.timeScale, log);
}
