import type { WorkerGroupConfig } from './config/schema.ts';

/** The name by which clients ask for the model of a worker group, and by which its engines serve it. */
export function servedModel({ model, sglang }: Pick<WorkerGroupConfig, 'model' | 'sglang'>): string {
  const named = sglang.flags['served-model-name'] ?? model.flags['served-model-name'];
  return named === undefined ? model.path : String(named);
}
