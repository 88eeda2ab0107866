import { groupCheck } from '../finding.ts';

/** Auto Scaling replaces between two bounds that are at most this far apart, in percent of the group. */
const widestRange = 100;

/** A deployment has bounds that Auto Scaling takes. */
export const checkUpdates = groupCheck(({ group, at }) => {
  const { minHealthyPercent, maxHealthyPercent } = group.updates;
  if (maxHealthyPercent - minHealthyPercent <= widestRange) return [];
  const advice = `at most ${widestRange} above minHealthyPercent, ${minHealthyPercent}: use ${minHealthyPercent + widestRange} or less`;
  return [{ path: at('updates', 'maxHealthyPercent'), advice }];
});
