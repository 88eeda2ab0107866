import { type FleetCheck, workerGroups } from '../finding.ts';

/** Groups of the fleet, and schedules of a group, have different names. What AWS makes of them is never too long. */
export const checkNames: FleetCheck = (fleet) => {
  const isAgain = (names: readonly string[], index: number) => names.indexOf(names[index]!) < index;
  const groups = fleet.workers.map(({ name }) => name);
  return workerGroups(fleet).flatMap(({ group, at }, index) => {
    const schedules = group.schedules.map(({ name }) => name);
    return [
      ...(isAgain(groups, index) ? [{ path: at('name'), advice: 'another group has this name' }] : []),
      ...schedules.flatMap((_name, place) =>
        isAgain(schedules, place)
          ? [{ path: at('schedules', place, 'name'), advice: 'another schedule of the group has this name' }]
          : [],
      ),
    ];
  });
};
