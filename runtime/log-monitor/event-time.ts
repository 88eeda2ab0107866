const pattern = /^(?:(\d{4})-(\d\d)-(\d\d)[ T])?(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,3})\d*)?(?:Z|([+-])(\d\d):?(\d\d))?$/;

/**
 * Milliseconds of a printed time; undefined when it is not one. The zone is UTC when none is printed, and the day is
 * day 0 when only a time of day is: differences within one log are right, a midnight or a change of zone excepted.
 */
export function eventTimeMs(time: string): number | undefined {
  const match = pattern.exec(time);
  if (match === null) return undefined;
  const [, year, month, day, hours, minutes, seconds, fraction, sign, zoneHours, zoneMinutes] = match;
  const days = year === undefined ? 0 : Date.UTC(Number(year), Number(month) - 1, Number(day));
  const zone = sign === undefined ? 0 : (sign === '-' ? -60 : 60) * (Number(zoneHours) * 60 + Number(zoneMinutes));
  const ofDay = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds) - zone;
  return days + ofDay * 1_000 + Number((fraction ?? '0').padEnd(3, '0'));
}
