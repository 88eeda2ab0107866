import { fp8Capability, type Gpu } from '../../data/gpus.ts';
import { gpuInstanceTypes } from '../../data/instance-types.ts';
import { hourlyPriceUsd } from '../../data/prices.ts';
import { type Finding, type GroupPlace, groupCheck } from '../finding.ts';
import { engineGpus, tensorParallel } from '../group-engine.ts';
import { fits, leastWorkingGiB, type MemoryPlan, planMemory } from '../memory-plan.ts';
import type { WorkerGroupConfig } from '../schema.ts';

/** Weights, the KV cache of one longest request and working memory have room on the GPUs of every instance type. */
export const checkGpuMemory = groupCheck((place) => {
  const { group, at } = place;
  const seen = new Set<Gpu>();
  return group.instanceTypes.flatMap((name, index): Finding[] => {
    const gpu = gpuInstanceTypes.get(name)?.gpu;
    if (gpu === undefined || seen.has(gpu)) return [];
    // Machines with the same GPU have the same mistake.
    seen.add(gpu);
    const plan = planMemory(group, gpu);
    if (plan === undefined) return seen.size === 1 ? [unknownModel(place)] : [];
    if (fits(plan)) return [];
    const advice = `on ${gpu.name} ${shortage(plan, tensorParallel(group))}: ${remedy(group, plan)}`;
    return [{ path: at('instanceTypes', index), advice }];
  });
});

function unknownModel({ group, at }: GroupPlace): Finding {
  const facts = 'weightsGiB, contextTokens, kvBytesPerToken and kvHeads';
  const advice = `nothing is known of the memory that ${group.model.path} needs: give ${facts} in modelOverrides to have it checked`;
  return { path: at('model'), advice, isWarning: true };
}

function shortage(plan: MemoryPlan, shards: number): string {
  const per = shards === 1 ? '' : ` on each of ${shards} GPUs`;
  if (plan.workingGiB < leastWorkingGiB) {
    return `${gib(plan.workingGiB)} are left to compute with${per}, and ${gib(leastWorkingGiB)} are the least`;
  }
  const weights = `the weights take ${gib(plan.weightsGiB)}${per}`;
  const share = `${gib(plan.staticGiB)} that SGLang may use`;
  if (plan.kvTokens <= 0) return `${weights}, of ${share}`;
  const context = `a context of ${tokens(plan.contextTokens)} takes ${gib(plan.contextGiB)}`;
  return `${weights} and ${context}, of ${share}`;
}

/** What to write instead: a shorter context where one of use fits, else larger machines with as many GPUs. */
function remedy(group: WorkerGroupConfig, plan: MemoryPlan): string {
  if (plan.workingGiB < leastWorkingGiB) return 'lower the flag mem-fraction-static';
  const shorter = plan.kvTokens >= 4_096 ? [`set the flag context-length to at most ${plan.kvTokens}`] : [];
  const machines = machinesThatFit(group);
  const larger = machines.length > 0 ? [`take ${machines.join(' or ')}`] : [];
  return [...shorter, ...larger, 'raise tensorParallel', 'take a model with smaller weights'].slice(0, 3).join(', or ');
}

/** Up to three machines with enough memory whose GPUs the engine uses all, cheapest first. */
function machinesThatFit(group: WorkerGroupConfig): string[] {
  const price = (name: string) => hourlyPriceUsd(name) ?? Number.POSITIVE_INFINITY;
  return [...gpuInstanceTypes.values()]
    .filter(({ gpu, gpuCount }) => gpuCount === engineGpus(group) && gpu.computeCapability >= fp8Capability)
    .filter(({ gpu }) => {
      const plan = planMemory(group, gpu);
      return plan !== undefined && fits(plan);
    })
    .map(({ name }) => name)
    .sort((one, other) => price(one) - price(other))
    .slice(0, 3);
}

const gib = (value: number) => `${value.toFixed(1)} GiB`;
const tokens = (count: number) => `${count.toLocaleString('en-US')} tokens`;
