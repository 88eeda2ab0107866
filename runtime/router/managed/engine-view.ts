import { version } from '../../shared/version.ts';
import type { Registry } from '../coordinator/registry.ts';
import type { ProcessState } from './managed-process.ts';
import type { ManagedRouter } from './managed-router.ts';
import type { RouterEngine } from './options.ts';

/** What carries the requests of a router, as `/health` and the metrics say it. */
export interface EngineView {
  readonly name: RouterEngine;
  readonly version: string;
  readonly state: ProcessState;
  /** Launches after the first one; 0 for the built-in relay, which is no process of its own. */
  readonly restarts: number;
  /** Workers that it routes to. */
  readonly workers: number;
}

export function engineView(managed: ManagedRouter | undefined, registry: Pick<Registry, 'ready'>): EngineView {
  return managed?.view ?? { name: 'builtin', version, state: 'ready', restarts: 0, workers: registry.ready.length };
}
