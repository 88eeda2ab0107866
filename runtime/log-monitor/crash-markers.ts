import type { LifeMarker } from './life-markers.ts';
import type { CrashClass } from './log-event.ts';

/**
 * What a dying engine says. Exit codes lie (SGLang ends in 137 or 0 whatever happened), so these phrases are the only
 * evidence. Several appear in one crash: the first specific class explains it, `engine-exception` and `child-died` follow.
 */
export const crashMarkers: readonly LifeMarker[] = [
  crash('CUDA out of memory', 'gpu-out-of-memory'),
  crash('HIP out of memory', 'gpu-out-of-memory'),
  crash('NPU out of memory', 'gpu-out-of-memory'),
  crash('Not enough memory. Please try to increase --mem-fraction-static', 'gpu-out-of-memory'),
  crash('CUDA error:', 'gpu-error'),
  crash('NCCL error', 'nccl'),
  crash('Watchdog caught collective operation timeout', 'nccl'),
  crash(' hit an exception: ', 'engine-exception'),
  crash('Initialization failed. warmup error', 'warmup-failed'),
  crash('error: unrecognized arguments', 'bad-arguments'),
  crash('error: argument ', 'bad-arguments'),
  crash('error: the following arguments are required', 'bad-arguments'),
  crash('is not a valid model identifier', 'model-not-found'),
  crash('RepositoryNotFoundError', 'model-not-found'),
  crash('does not appear to have a file named config.json', 'model-not-found'),
  crash('address already in use', 'port-in-use'),
  crash('SIGQUIT received', 'child-died'),
  {
    phrase: 'watchdog timeout (',
    read: (line, at) => ({
      kind: 'crash',
      crashClass: 'watchdog',
      isFatal: !line.includes('self.soft=True', at),
    }),
  },
  childDeath('crashed with exit code'),
  childDeath('Child process unexpectedly failed with'),
  childDeath('scheduler died during initialization'),
];

function crash(phrase: string, crashClass: CrashClass): LifeMarker {
  return { phrase, read: () => ({ kind: 'crash', crashClass, isFatal: true }) };
}

/** Exit code -9, or 9 in older versions, is the kernel's SIGKILL: the host ran out of memory. */
function childDeath(phrase: string): LifeMarker {
  return {
    phrase,
    read(line, at) {
      const code = /exit ?code(?:: |=| )(-?\d+)/.exec(line.slice(at))?.[1];
      const exitCode = code === undefined ? undefined : Number(code);
      return {
        kind: 'crash',
        crashClass: exitCode === -9 || exitCode === 9 ? 'host-out-of-memory' : 'child-died',
        isFatal: true,
        ...(exitCode !== undefined && { exitCode }),
      };
    },
  };
}
