/** What the dashboard knows of a group of workers. */
export interface DashboardGroup {
  /** As the fleet file names it. */
  readonly name: string;
  /** Auto Scaling group. */
  readonly groupName: string;
  /** Share of a worker's capacity that the group aims at. */
  readonly targetUtilization: number;
  /** Seconds that requests may wait before workers are added. */
  readonly targetQueueSeconds: number;
  readonly hasWarmPool: boolean;
  /** Of one machine in US dollars; undefined when the price is not known. */
  readonly hourlyUsd: number | undefined;
}

/** One line for each group, numbered so that names in formulas differ. */
export function perGroup<Line>(
  groups: readonly DashboardGroup[],
  lineOf: (group: DashboardGroup, index: number) => Line | readonly Line[],
): Line[] {
  return groups.flatMap((group, index) => lineOf(group, index));
}

/** How a line is called: by what it shows, and by its group where there are several. */
export function labelOf(groups: readonly DashboardGroup[], { name }: DashboardGroup, what: string): string {
  return groups.length === 1 ? what : `${name} ${what}`;
}
