/** CloudWatch namespace of everything that a fleet measures. Machines may publish to no other: see lib/machine-role.ts. */
export const metricNamespace = 'SGLang/Fleet';
