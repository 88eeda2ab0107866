import type { SglangFlags, WorkerGroupConfig } from './schema.ts';

/** What a group's engines are started with: the library's flags, and over them the group's own. */
export function engineFlags(group: WorkerGroupConfig): SglangFlags {
  return { ...group.model.flags, ...group.sglang.flags };
}

/** GPUs that share the layers of the model. */
export function tensorParallel(group: WorkerGroupConfig): number {
  return group.sglang.tensorParallel ?? group.model.tensorParallel;
}

/** GPUs that one engine uses. Data parallelism with shared attention divides them again; without it, it multiplies them. */
export function engineGpus(group: WorkerGroupConfig): number {
  const flags = engineFlags(group);
  const dataParallel = flags['enable-dp-attention'] === true ? 1 : (numberFlag(flags, 'dp', 'dp-size') ?? 1);
  return tensorParallel(group) * pipelineParallel(group) * dataParallel;
}

/** Groups of GPUs that each have some of the layers. */
export function pipelineParallel(group: WorkerGroupConfig): number {
  return numberFlag(engineFlags(group), 'pp-size', 'pipeline-parallel-size') ?? 1;
}

/** A flag's number, by the first of its names that is set. */
export function numberFlag(flags: SglangFlags, ...names: string[]): number | undefined {
  for (const name of names) {
    const value = Number(flags[name]);
    if (flags[name] !== undefined && Number.isFinite(value)) return value;
  }
  return undefined;
}
