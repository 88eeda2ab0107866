import { type FieldValues, type FleetFileName, findingsIn } from './fleet-file.ts';

/** Fleet files that are valid but for one thing: what is wrong, in which example, the values that make it so, where, and the advice. */
export type MistakeCase = readonly [
  what: string,
  fleet: FleetFileName,
  values: FieldValues,
  path: string,
  advice: RegExp,
];

export const certificateArn = 'arn:aws:acm:us-east-1:123456789012:certificate/one';

export const workerImage = (architecture: string) => ({
  ssmParameter: `/aws/service/deeplearning/ami/${architecture}/latest/ami-id`,
});

export const schedule = (values: object) => ({
  'workers.0.schedules': [{ name: 'day', cron: '0 8 * * *', min: 1, ...values }],
});

export const secondGroup = (values: object) => ({
  'workers.1': {
    name: 'second',
    model: 'qwen3-0.6b',
    image: workerImage('x86_64'),
    volumeGiB: 150,
    min: 0,
    max: 1,
    sglang: { version: '0.5.23' },
    ...values,
  },
});

/** One test for each: its advice stands at the path, as a mistake that stops the deployment. */
export function expectMistakes(cases: readonly MistakeCase[]): void {
  test.each(cases)('%s is a mistake', (_what, fleet, values, path, advice) => {
    const found = findingsIn(fleet, values).filter((finding) => finding.path.join('.') === path);
    expect(found.map((finding) => finding.advice).join('\n')).toMatch(advice);
    expect(found.some(({ isWarning }) => isWarning !== true)).toBe(true);
  });
}
