import type { Dialect } from './dialect.ts';
import type { Sequence } from './sequence.ts';

/** A validated request that is ready to run. */
export interface GenerationPlan {
  readonly sequences: readonly Sequence[];
  readonly stream: boolean;
  /** More than one choice: SGLang prefills the shared prompt once before it starts the choices. */
  readonly needsWarmUp: boolean;
  readonly dialect: Dialect;
  /** The native route logs when it drops a request whose client left. */
  readonly logsDisconnect: boolean;
}
