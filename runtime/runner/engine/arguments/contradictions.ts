import type { GivenArgument } from './given-arguments.ts';
import { sglangSettings } from './sglang-settings.ts';

/** The arguments of one engine, by our names. */
class Given {
  readonly #byName: ReadonlyMap<string, GivenArgument>;

  constructor(given: readonly GivenArgument[]) {
    this.#byName = new Map(given.flatMap((it) => (it.setting === undefined ? [] : [[it.setting.name, it] as const])));
  }

  has(name: string): boolean {
    return this.#byName.has(name);
  }

  text(name: string): string | undefined {
    return this.#byName.get(name)?.values[0];
  }

  /** @returns `absent` when it was not given or is no number */
  number(name: string, absent: number): number {
    const value = Number(this.text(name));
    return this.text(name) === undefined || Number.isNaN(value) ? absent : value;
  }

  /** `--tp-size 4 (tensorParallelSize)` as the user wrote it; our flag for one that was not given. */
  show(name: string): string {
    const it = this.#byName.get(name);
    if (it === undefined) return sglangSettings.find((setting) => setting.name === name)!.flag;
    const value = it.setting?.isSecret ? '' : ` ${it.values.join(' ')}`.trimEnd();
    return it.spelling === it.flag ? `${it.flag}${value}` : `${it.flag}${value} (${it.spelling})`;
  }
}

/** Each returns the mistake in words, naming both settings; undefined when there is none. Sources stand beside them. */
const rules: readonly ((given: Given) => string | undefined)[] = [
  // SGLang refuses the pair itself, a minute later (ServerArgs, every version since 0.4.6).
  (given) =>
    given.has('enableHierarchicalCache') && given.has('disableRadixCache')
      ? `${given.show('enableHierarchicalCache')} needs the cache that ${given.show('disableRadixCache')} turns off: give one of them.`
      : undefined,
  // Not supported together (0.5.17): keys would not be checked.
  (given) =>
    given.has('adminApiKey') && given.number('tokenizerWorkers', 1) > 1
      ? `${given.show('adminApiKey')} does not work with ${given.show('tokenizerWorkers')}: several tokenizer workers cannot check keys.`
      : undefined,
  // The first means that both of the others are `disabled`.
  ...['cudaGraphBackendDecode', 'cudaGraphBackendPrefill'].map(
    (backend) => (given: Given) =>
      given.has('disableCudaGraph') && (given.text(backend) ?? 'disabled') !== 'disabled'
        ? `${given.show('disableCudaGraph')} contradicts ${given.show(backend)}: give one of them.`
        : undefined,
  ),
  // assert tp_size % dp_size == 0, since 0.4; tp_size % attn_dp_size == 0 in 0.5.23.
  (given) =>
    given.has('enableDpAttention') && given.number('tensorParallelSize', 1) % given.number('dataParallelSize', 1) !== 0
      ? `With ${given.show('enableDpAttention')} ${given.show('tensorParallelSize')} must be a multiple of ${given.show('dataParallelSize')}.`
      : undefined,
  (given) =>
    given.number('tensorParallelSize', 1) % given.number('attentionDataParallelSize', 1) !== 0
      ? `${given.show('tensorParallelSize')} must be a multiple of ${given.show('attentionDataParallelSize')}.`
      : undefined,
  // assert chunked_prefill_size % page_size == 0, except for a decode server, which prefills nothing.
  (given) =>
    given.number('chunkedPrefillSize', -1) > 0 &&
    given.number('pageSize', 1) > 0 &&
    given.number('chunkedPrefillSize', -1) % given.number('pageSize', 1) !== 0 &&
    given.text('disaggregationMode') !== 'decode'
      ? `${given.show('chunkedPrefillSize')} must be a multiple of ${given.show('pageSize')}.`
      : undefined,
  // "To use priority scheduling, schedule_policy must be 'fcfs' or 'lof'".
  (given) =>
    given.has('enablePriorityScheduling') && !['fcfs', 'lof'].includes(given.text('schedulePolicy') ?? 'fcfs')
      ? `${given.show('enablePriorityScheduling')} works with schedule policies fcfs and lof, not with ${given.show('schedulePolicy')}.`
      : undefined,
  // assert tp_size * pp_size % nnodes == 0.
  (given) =>
    (given.number('tensorParallelSize', 1) * given.number('pipelineParallelSize', 1)) % given.number('nodeCount', 1) !==
    0
      ? `${given.show('tensorParallelSize')} times ${given.show('pipelineParallelSize')} must be a multiple of ${given.show('nodeCount')}.`
      : undefined,
  // "multi-node data parallel is not supported unless dp attention"; in 0.5.23 that is asked for by --attn-dp-size.
  (given) =>
    given.number('dataParallelSize', 1) > 1 && given.number('nodeCount', 1) > 1 && !given.has('enableDpAttention')
      ? `${given.show('dataParallelSize')} with ${given.show('nodeCount')} needs ${given.show('enableDpAttention')}.`
      : undefined,
  (given) =>
    given.number('nodeCount', 1) > 1 && !given.has('distInitAddr')
      ? `${given.show('nodeCount')} needs ${given.show('distInitAddr')}, the address at which the nodes meet.`
      : undefined,
  (given) =>
    given.number('nodeRank', 0) >= Math.max(1, given.number('nodeCount', 1))
      ? `${given.show('nodeRank')} must be smaller than ${given.show('nodeCount')}.`
      : undefined,
  // Other ranks answer health checks and nothing else, so their runner would wait for a generation for ever.
  (given) =>
    given.number('nodeRank', 0) > 0 && given.number('nodeRank', 0) < given.number('nodeCount', 1)
      ? `${given.show('nodeRank')} of ${given.show('nodeCount')} never serves; only rank 0 can have a runner. Start the others by themselves.`
      : undefined,
];

/** Pairs of arguments that SGLang is known to refuse, or that a runner cannot serve with; one sentence each. */
export function findContradictions(given: readonly GivenArgument[]): string[] {
  const view = new Given(given);
  return rules.map((rule) => rule(view)).filter((mistake) => mistake !== undefined);
}
