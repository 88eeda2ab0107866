/** Values of one moment by id; undefined where a metric has no point. */
export type MetricValues = Readonly<Record<string, number | undefined>>;

/**
 * What CloudWatch makes of a formula at one moment, for the functions that the fleet uses.
 * @returns undefined where it makes no point: something is missing, or divided by zero
 */
export function evaluate(expression: string, values: MetricValues, periodSeconds = 60): number | undefined {
  const functions = {
    FILL: (value: number | undefined, instead: number) => value ?? instead,
    IF: (condition: unknown, then: number, otherwise: number) => (condition ? then : otherwise),
    PERIOD: () => periodSeconds,
  };
  const names = [...Object.keys(functions), ...Object.keys(values)];
  const compute = new Function(...names, `return ${expression};`) as (...given: unknown[]) => number;
  const result = compute(...Object.values(functions), ...Object.values(values));
  return Number.isFinite(result) ? result : undefined;
}
