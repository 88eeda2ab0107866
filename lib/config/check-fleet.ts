import { checkArns } from './checks/arns.ts';
import { checkBudget } from './checks/budget.ts';
import { checkCpuArchitecture } from './checks/cpu-architecture.ts';
import { checkDrains } from './checks/drains.ts';
import { checkGpuCount } from './checks/gpu-count.ts';
import { checkGpuMemory } from './checks/gpu-memory.ts';
import { checkInstanceTypes } from './checks/instance-types.ts';
import { checkMachineMemory } from './checks/machine-memory.ts';
import { checkNames } from './checks/names.ts';
import { checkNetwork } from './checks/network.ts';
import { checkPurchase } from './checks/purchase.ts';
import { checkQuantization } from './checks/quantization.ts';
import { checkSameModel } from './checks/same-model.ts';
import { checkSchedules } from './checks/schedules.ts';
import { checkUpdates } from './checks/updates.ts';
import { checkWaits } from './checks/waits.ts';
import { checkWeights } from './checks/weights.ts';
import type { Finding, FleetCheck } from './finding.ts';
import type { FleetConfig } from './schema.ts';

const checks: readonly FleetCheck[] = [
  checkNames,
  checkNetwork,
  checkArns,
  checkInstanceTypes,
  checkCpuArchitecture,
  checkGpuCount,
  checkQuantization,
  checkGpuMemory,
  checkMachineMemory,
  checkWeights,
  checkPurchase,
  checkSchedules,
  checkUpdates,
  checkWaits,
  checkDrains,
  checkSameModel,
  checkBudget,
];

/** All that is wrong with a fleet whose file has the right shape, and what is likely to be. */
export function checkFleet(fleet: FleetConfig): Finding[] {
  return checks.flatMap((check) => check(fleet));
}
