/**
 * What the CloudWatch agent accepts, written after its published schema (translator/config/schema.json of
 * aws/amazon-cloudwatch-agent) for the sections that the fleet uses: names, limits and which sections take no other names.
 * `logs_collected.journald` is that of release 1.300070 and later.
 */
const words = (maxLength: number) => ({ type: 'string', minLength: 1, maxLength });
const seconds = { type: 'integer', minimum: 1, maximum: 172_800 };

const collector = {
  type: 'object',
  required: ['measurement'],
  properties: {
    metrics_collection_interval: seconds,
    append_dimensions: { type: 'object', maxProperties: 30, additionalProperties: words(1_024) },
    measurement: { type: 'array', items: words(255), uniqueItems: true },
    resources: { type: 'array', items: words(4_096), maxItems: 256 },
    drop_device: { type: 'boolean' },
  },
};

const target = {
  log_group_name: words(512),
  log_stream_name: words(512),
  log_group_class: words(512),
  retention_in_days: {
    enum: [
      -1, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1_096, 1_827, 2_192, 2_557, 2_922, 3_288,
      3_653,
    ],
  },
  filters: {
    type: 'array',
    items: {
      type: 'object',
      additionalProperties: false,
      properties: { type: { enum: ['include', 'exclude'] }, expression: { type: 'string' } },
    },
  },
};

const sources = (properties: object, required: readonly string[]) => ({
  type: 'object',
  additionalProperties: false,
  required: ['collect_list'],
  properties: {
    collect_list: {
      type: 'array',
      minItems: 1,
      maxItems: 16_384,
      uniqueItems: true,
      items: { type: 'object', additionalProperties: false, required, properties: { ...target, ...properties } },
    },
  },
});

export const cloudwatchAgentSchema = {
  type: 'object',
  properties: {
    agent: {
      type: 'object',
      properties: { metrics_collection_interval: seconds, run_as_user: { type: 'string' }, region: words(64) },
    },
    metrics: {
      type: 'object',
      additionalProperties: false,
      required: ['metrics_collected'],
      properties: {
        namespace: words(255),
        append_dimensions: {
          type: 'object',
          // The agent fills in no others.
          additionalProperties: false,
          properties: Object.fromEntries(
            ['ImageId', 'InstanceId', 'InstanceType', 'AutoScalingGroupName'].map((name) => [
              name,
              { const: `\${aws:${name}}` },
            ]),
          ),
        },
        aggregation_dimensions: {
          type: 'array',
          minItems: 1,
          maxItems: 1_024,
          uniqueItems: true,
          items: { type: 'array', items: words(1_024), uniqueItems: true, maxItems: 30 },
        },
        force_flush_interval: seconds,
        metrics_collected: {
          type: 'object',
          minProperties: 1,
          additionalProperties: false,
          properties: { cpu: collector, mem: collector, disk: collector, net: collector, nvidia_gpu: collector },
        },
      },
    },
    logs: {
      type: 'object',
      additionalProperties: false,
      required: ['logs_collected'],
      properties: {
        log_stream_name: words(512),
        force_flush_interval: seconds,
        logs_collected: {
          type: 'object',
          minProperties: 1,
          additionalProperties: false,
          properties: {
            files: sources(
              {
                file_path: { type: 'string', minLength: 1, maxLength: 4_096 },
                timestamp_format: words(4_096),
                timezone: { enum: ['Local', 'LOCAL', 'UTC'] },
                multi_line_start_pattern: words(4_096),
                backpressure_mode: { enum: ['fd_release'] },
                auto_removal: { type: 'boolean' },
              },
              ['file_path'],
            ),
            journald: sources(
              {
                units: { type: 'array', items: words(255) },
                priority: { enum: ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug'] },
                matches: { type: 'array', items: { type: 'object', additionalProperties: { type: 'string' } } },
              },
              [],
            ),
          },
        },
      },
    },
  },
} as const;
