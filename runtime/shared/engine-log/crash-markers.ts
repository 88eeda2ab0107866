import type { CrashClass } from './life-event.ts';
import type { LifeMarker } from './life-markers.ts';

/**
 * What a dying engine says. Exit codes lie (SGLang ends in 137 or 0 whatever happened), so these phrases are the only
 * evidence. Several appear in one crash: a specific class explains it, `engine-exception` and `child-died` follow.
 * Of phrases that begin at one place the first in this list counts, so the longer one stands first.
 */
export const crashMarkers: readonly LifeMarker[] = [
  crash('CUDA out of memory', 'gpu-out-of-memory'),
  crash('HIP out of memory', 'gpu-out-of-memory'),
  crash('NPU out of memory', 'gpu-out-of-memory'),
  crash('CUDA error: out of memory', 'gpu-out-of-memory'),
  crash('Not enough memory. Please try to increase --mem-fraction-static', 'kv-pool-too-small'),
  crash('CUDA error: invalid device ordinal', 'too-few-gpus'),
  crash('CUDA error: no kernel image is available', 'gpu-unsupported'),
  crash('CUDA error:', 'gpu-error'),
  crash('No CUDA GPUs are available', 'gpu-missing'),
  crash('Found no NVIDIA driver on your system', 'gpu-missing'),
  crash('The NVIDIA driver on your system is too old', 'gpu-missing'),
  crash('NCCL error', 'nccl'),
  crash('Watchdog caught collective operation timeout', 'nccl'),
  crash(' hit an exception: ', 'engine-exception'),
  crash('Initialization failed. warmup error', 'warmup-failed'),
  crash("No module named 'sglang'", 'not-installed'),
  crash('No module named sglang', 'not-installed'),
  crash('error: unrecognized arguments', 'bad-arguments'),
  crash('error: ambiguous option', 'bad-arguments'),
  crash('error: argument ', 'bad-arguments'),
  crash('error: the following arguments are required', 'bad-arguments'),
  crash('are mutually exclusive and cannot be used at the same time', 'bad-arguments'),
  crash('is not a valid model identifier', 'model-not-found'),
  crash('RepositoryNotFoundError', 'model-not-found'),
  crash('RevisionNotFoundError', 'model-not-found'),
  crash('HFValidationError', 'model-not-found'),
  crash('Repo id must be in the form', 'model-not-found'),
  crash('does not appear to have a file named config.json', 'model-not-found'),
  crash('GatedRepoError', 'model-gated'),
  crash('You are trying to access a gated repo', 'model-gated'),
  crash("couldn't connect to 'https://huggingface.co'", 'model-unreachable'),
  crash('LocalEntryNotFoundError', 'model-unreachable'),
  crash('No space left on device', 'disk-full'),
  crash('address already in use', 'port-in-use'),
  crash('Error response from daemon: could not select device driver', 'container-without-gpu'),
  crash('Error response from daemon:', 'container-failed'),
  crash('Cannot connect to the Docker daemon', 'container-failed'),
  crash('while trying to connect to the Docker daemon', 'container-failed'),
  crash('while trying to connect to the docker API', 'container-failed'),
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
