/** `PutMetricData`, from its API reference of 2010-08-01 (as in @aws-sdk/client-cloudwatch 3.1164). */
export const putLimits = {
  metricsPerCall: 1_000,
  valuesPerMetric: 150,
  /** The limit is 1 MB. Whether before or after compression is not said, so it is kept before. */
  bodyBytes: 1_000_000,
} as const;

/** Embedded metric format, from its specification in the CloudWatch user guide. */
export const emfLimits = {
  metricsPerLine: 100,
  valuesPerMetric: 100,
  /** Of a log event, 256 KiB, less what CloudWatch Logs adds to each (26 bytes) and a margin. */
  lineBytes: 255 * 1_024,
} as const;

/** Of both ways. */
export const metricLimits = {
  dimensions: 30,
  nameCharacters: 255,
  dimensionValueCharacters: 1_024,
  /** Values lie within plus and minus this. */
  magnitude: 2 ** 360,
  /** Older data points are refused. */
  ageMs: 14 * 24 * 3_600_000,
  /** High resolution is kept for three hours; a point that arrives later drives nothing any more. */
  highResolutionAgeMs: 3 * 3_600_000,
  /** Data points from later than this are refused. */
  aheadMs: 2 * 3_600_000,
} as const;
