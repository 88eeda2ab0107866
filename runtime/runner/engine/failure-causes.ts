import type { CrashClass } from '../../shared/engine-log/life-event.ts';
import type { FailureCause } from './engine-failure.ts';

/** What an end may come from: what the log says, and what its circumstances suggest. */
export type FailureName =
  | CrashClass
  | 'startup-silence'
  | 'startup-maximum'
  | 'not-startable'
  | 'stopped'
  | 'killed'
  | 'native-crash'
  | 'unknown';

interface CauseRow {
  readonly name: FailureName;
  /** `start`: counts only before the first generation. Later the same words come from a request, e.g. for an adapter. */
  readonly when: 'start' | 'always';
  readonly fixedBy: 'restart' | 'machine' | 'configuration';
  readonly advice: string;
}

function row(
  name: FailureName,
  when: CauseRow['when'],
  fixedBy: CauseRow['fixedBy'],
  advice: string,
): readonly [FailureName, CauseRow] {
  return [name, { name, when, fixedBy, advice }];
}

/**
 * Every cause with its advice. Of several that one log speaks of the first in this table explains the end: the others follow
 * from it, as when one rank runs out of memory and the rest report broken collectives.
 */
const causes: ReadonlyMap<FailureName, CauseRow> = new Map([
  row(
    'kv-pool-too-small',
    'start',
    'restart',
    'Weights leave no room for the KV pool. Raise memFractionStatic, take a larger tensorParallelSize, a quantized model or a larger GPU; see that nothing else uses the GPU.',
  ),
  row(
    'gpu-out-of-memory',
    'always',
    'restart',
    'The GPU ran out of memory. Lower memFractionStatic (by 0.05 at a time), chunkedPrefillSize, maxRunningRequests or cudaGraphMaxBatchSize; see that nothing else uses the GPU.',
  ),
  row(
    'gpu-unsupported',
    'start',
    'configuration',
    'This build of SGLang has no code for this GPU. Use another image or wheel, or another instance type (the AWS images for Amazon Linux 2023 hold sm_90 and newer only).',
  ),
  row(
    'too-few-gpus',
    'start',
    'machine',
    'The engine wants more GPUs than it sees. Lower tensorParallelSize, dataParallelSize or pipelineParallelSize, or look at CUDA_VISIBLE_DEVICES.',
  ),
  row(
    'gpu-missing',
    'start',
    'machine',
    'No usable GPU. Look at nvidia-smi: the driver is missing, older than this CUDA needs, or the GPU is gone.',
  ),
  row(
    'gpu-error',
    'always',
    'machine',
    'The GPU reported an error. Once may be a bug in a kernel (try another attentionBackend or an SGLang update); again on one machine only means bad hardware: look for Xid in the kernel log.',
  ),
  row(
    'host-out-of-memory',
    'always',
    'restart',
    'The machine ran out of memory and its kernel killed a process of the engine. Use an instance with more memory, lower hicacheRatio or hicacheSize, or the sandboxes of this runner.',
  ),
  row(
    'disk-full',
    'always',
    'machine',
    'The disk is full. Give the machine a larger volume, or put downloadDir or HF_HOME on one.',
  ),
  row(
    'container-without-gpu',
    'start',
    'machine',
    'Docker cannot give a GPU to a container. Install the NVIDIA container toolkit on the machine.',
  ),
  row(
    'container-failed',
    'start',
    'machine',
    'The container could not be run. See that the daemon runs, that this user may use it, and that the image exists.',
  ),
  row(
    'not-installed',
    'start',
    'machine',
    'This Python has no SGLang. Name one that has with --python, or install it: uv pip install --prerelease=allow sglang.',
  ),
  row(
    'bad-arguments',
    'start',
    'configuration',
    'SGLang refused its arguments; the engine log names them. Correct the settings; a flag may be newer or older than this version.',
  ),
  row(
    'model-not-found',
    'start',
    'configuration',
    'The model does not exist under this name, revision or path, or is private. Correct it, or give a token that may read it (HF_TOKEN).',
  ),
  row(
    'model-gated',
    'start',
    'configuration',
    'The model is gated. Accept its terms on its page and give the token of that account in HF_TOKEN.',
  ),
  row(
    'model-unreachable',
    'start',
    'restart',
    'The weights could not be downloaded. Look at the network, proxy and endpoint (HF_ENDPOINT), or bake the weights into the image.',
  ),
  row(
    'port-in-use',
    'always',
    'restart',
    'Another process listens on the port of the engine. End it, or choose another one with --engine-port.',
  ),
  row(
    'nccl',
    'always',
    'restart',
    'Ranks lost one another. Once may be chance; again look at NVLink and the network (NCCL_DEBUG=INFO), and at the first rank that complains.',
  ),
  row(
    'watchdog',
    'always',
    'restart',
    'One forward step took longer than the watchdog allows. Long prefills or kernel compilation: raise watchdogTimeout; else the GPU hangs.',
  ),
  row(
    'warmup-failed',
    'start',
    'restart',
    'The engine started but could not answer its own first request; the traceback in its log says why.',
  ),
  row(
    'engine-exception',
    'always',
    'restart',
    'The scheduler raised an exception; the traceback in the engine log says which. If one request causes it each time, update SGLang.',
  ),
  row('child-died', 'always', 'restart', 'A process of the engine died; the engine log may say why.'),
  row(
    'startup-silence',
    'start',
    'restart',
    'The engine went silent before its first generation. If it compiles or downloads without a word, raise --startup-silence-seconds.',
  ),
  row(
    'startup-maximum',
    'start',
    'restart',
    'The start took longer than --startup-max-seconds allows. The phases say where its time went.',
  ),
  row(
    'not-startable',
    'start',
    'machine',
    'The program of the engine could not be started. See that it is installed and on the PATH.',
  ),
  row('stopped', 'always', 'restart', 'Somebody other than the runner told the engine to end (SIGTERM).'),
  row(
    'killed',
    'always',
    'restart',
    'Somebody killed the engine (SIGKILL); neither the runner nor, as it seems, the kernel for memory.',
  ),
  row(
    'native-crash',
    'always',
    'restart',
    'The engine crashed in native code. Update SGLang, or try another attentionBackend.',
  ),
  row('unknown', 'always', 'restart', 'Nothing says why the engine ended. Look at the end of its log.'),
]);

/** Causes that only say that something else went wrong. */
const generic: ReadonlySet<FailureName> = new Set(['warmup-failed', 'engine-exception', 'child-died']);

/** The row nearest the top of the table among those that the log speaks of; undefined when it speaks of none. */
export function strongestCause(named: ReadonlySet<CrashClass>, wasReady: boolean): FailureName | undefined {
  for (const { name, when } of causes.values()) {
    if (named.has(name as CrashClass) && !(wasReady && when === 'start')) return name;
  }
  return undefined;
}

export function isGeneric(name: FailureName): boolean {
  return generic.has(name);
}

export function failureCause(name: FailureName, isSuspected: boolean): FailureCause {
  const { advice, fixedBy } = causes.get(name)!;
  return {
    name,
    isSuspected,
    advice,
    // A suspicion is not enough to stop trying.
    restartHelps: isSuspected || fixedBy !== 'configuration',
    newMachineHelps: isSuspected || fixedBy !== 'configuration',
  };
}
