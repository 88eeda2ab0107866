import type { ProcessEnd } from '../shared/process/owned-process.ts';
import { describeEnd } from '../shared/process/owned-process.ts';
import type { Death } from './errors.ts';

export interface EndedAgent {
  readonly end: Pick<ProcessEnd, 'code' | 'signal' | 'reason'>;
  /** Why the host ended it; undefined when it ended by itself. */
  readonly cause: Death | undefined;
  readonly stderrTail: string;
  /** The kernel enforces its memory limit. */
  readonly hasMemoryGroup: boolean;
}

/** V8's last words when the heap limit is reached. */
const heapExhausted = /JavaScript heap out of memory/;

/** Why a sandbox's process is no more. */
export function explainDeath({ end, cause, stderrTail, hasMemoryGroup }: EndedAgent): Death {
  if (cause) return cause;
  if (heapExhausted.test(stderrTail)) {
    return { code: 'SANDBOX_OUT_OF_MEMORY', reason: 'its JavaScript heap reached the memory limit' };
  }
  // Nobody else kills a process of a control group with a limit.
  if (end.signal === 'SIGKILL' && hasMemoryGroup) {
    return { code: 'SANDBOX_OUT_OF_MEMORY', reason: 'it reached its memory limit' };
  }
  return { code: 'SANDBOX_DIED', reason: `its process ${describeEnd({ ...end, at: '' })}` };
}
