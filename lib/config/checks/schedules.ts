import { type Finding, groupCheck } from '../finding.ts';

/** What each of the five fields may hold; month and weekday also have names. */
const cronFields = [
  { name: 'minute', min: 0, max: 59, names: [] },
  { name: 'hour', min: 0, max: 23, names: [] },
  { name: 'day', min: 1, max: 31, names: [] },
  { name: 'month', min: 1, max: 12, names: 'JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC'.split(' ') },
  { name: 'weekday', min: 0, max: 7, names: 'SUN MON TUE WED THU FRI SAT'.split(' ') },
] as const;

/** Schedules leave the group with bounds that go together, at times that exist. */
export const checkSchedules = groupCheck((place) => {
  const { group, at } = place;
  return group.schedules.flatMap((schedule, index): Finding[] => {
    const field = (name: string) => at('schedules', index, name);
    const findings: Finding[] = [];
    const min = schedule.min ?? group.min;
    const max = schedule.max ?? group.max;
    if (min > max) {
      findings.push({
        path: field(schedule.min === undefined ? 'max' : 'min'),
        advice: `from then on min, ${min}, exceeds max, ${max}`,
      });
    }
    if (schedule.max !== undefined && schedule.max > group.max) {
      const advice = `the group has at most ${group.max}: raise its max and lower it by schedules`;
      findings.push({ path: field('max'), advice });
    }
    if (!isTimeZone(schedule.timeZone)) {
      findings.push({ path: field('timeZone'), advice: 'no such time zone: write one such as Europe/Berlin' });
    }
    return [...findings, ...cronFindings(schedule.cron, field('cron'))];
  });
});

function cronFindings(cron: string, path: Finding['path']): Finding[] {
  return cron.split(' ').flatMap((text, index): Finding[] => {
    const { name, min, max, names } = cronFields[index]!;
    const isValid = text.split(',').every((part) => isCronPart(part, min, max, names));
    const also = names.length > 0 ? `, or ${names[0]} to ${names.at(-1)}` : '';
    return isValid
      ? []
      : [{ path, advice: `the ${name} ${text} is none: write ${min} to ${max}${also}, *, lists and ranges` }];
  });
}

function isCronPart(part: string, min: number, max: number, names: readonly string[]): boolean {
  const [range, step, ...rest] = part.split('/');
  if (rest.length > 0 || (step !== undefined && !/^[1-9]\d?$/.test(step))) return false;
  if (range === '*') return true;
  const ends = range!.split('-').map((end) => {
    const named = names.indexOf(end.toUpperCase());
    if (named >= 0) return named + min;
    return /^\d{1,2}$/.test(end) ? Number(end) : Number.NaN;
  });
  return ends.length <= 2 && ends.every((end) => end >= min && end <= max) && ends[0]! <= ends.at(-1)!;
}

function isTimeZone(timeZone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone });
    return true;
  } catch {
    return false;
  }
}
