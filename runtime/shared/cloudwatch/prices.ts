/**
 * What CloudWatch asks for metrics, US dollars before tax, without the free tier. List prices of the region named here
 * as https://aws.amazon.com/cloudwatch/pricing/ was quoted in February to June 2026; other regions differ.
 */
export const prices = {
  region: 'us-east-1',
  asOf: 'June 2026',
  /** A metric for a month, of the first 10,000; counted by the hour in which it has data. Resolution does not matter. */
  metricMonth: 0.3,
  /** A call of `PutMetricData`, however many metrics it carries. */
  putCall: 0.01 / 1_000,
  /** Ingestion of log data. */
  logGigabyte: 0.5,
} as const;

/** What an account gets each month without charge, all of its uses together (same source). */
export const freeTier = { metrics: 10, calls: 1_000_000, logGigabytes: 5 } as const;

/** AWS counts months by their hours; here each has 30 days. */
export const monthHours = 30 * 24;
