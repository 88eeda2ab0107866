import type { FleetConfig, WorkerGroupConfig } from './schema.ts';

/** Something that a check found in a fleet whose file has the right shape. */
export interface Finding {
  /** Where in the fleet file: keys and indexes. */
  readonly path: readonly (string | number)[];
  /** What is wrong, with its figures, and what to write instead. */
  readonly advice: string;
  /** Whether it is only likely to be wrong. @default false */
  readonly isWarning?: boolean;
}

/** Finds what cannot work, or hardly can, from a fleet and the hardware data alone. */
export type FleetCheck = (fleet: FleetConfig) => readonly Finding[];

/** A worker group, and the path of a field of it. */
export interface GroupPlace {
  readonly group: WorkerGroupConfig;
  readonly at: (...path: (string | number)[]) => (string | number)[];
}

export function workerGroups(fleet: FleetConfig): GroupPlace[] {
  return fleet.workers.map((group, index) => ({ group, at: (...path) => ['workers', index, ...path] }));
}

/** A check of each worker group by itself. */
export function groupCheck(check: (place: GroupPlace, fleet: FleetConfig) => readonly Finding[]): FleetCheck {
  return (fleet) => workerGroups(fleet).flatMap((place) => check(place, fleet));
}
