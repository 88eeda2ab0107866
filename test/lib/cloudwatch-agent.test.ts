import { agentConfig } from '../../lib/cloudwatch-agent.ts';

const worker = agentConfig({
  logGroupName: '/sglang-fleet/dev/workers',
  units: ['fleet-runner', 'fleet-log-monitor'],
  logFiles: { engine: '/var/log/fleet/engine.log', metrics: '/var/log/fleet/metrics.emf' },
  hasGpu: true,
});

test('the journal of every daemon goes to its own stream', () => {
  expect(worker.logs.logs_collected.journald.collect_list).toEqual(
    ['fleet-runner', 'fleet-log-monitor'].map((unit) => ({
      units: [`${unit}.service`],
      log_group_name: '/sglang-fleet/dev/workers',
      log_stream_name: `{instance_id}/${unit}`,
    })),
  );
});

test('the engine, which logs to a file, and metrics in log lines have streams as well', () => {
  expect(worker.logs.logs_collected.files?.collect_list).toEqual([
    {
      file_path: '/var/log/fleet/engine.log',
      log_group_name: '/sglang-fleet/dev/workers',
      log_stream_name: '{instance_id}/engine',
    },
    {
      file_path: '/var/log/fleet/metrics.emf',
      log_group_name: '/sglang-fleet/dev/workers',
      log_stream_name: '{instance_id}/metrics',
    },
  ]);
});

test('metrics carry the name of the group and not of the instance, which would multiply their cost', () => {
  expect(Object.keys(worker.metrics.append_dimensions)).toEqual(['AutoScalingGroupName']);
  expect(worker.metrics.aggregation_dimensions).toEqual([['AutoScalingGroupName']]);
});

test('a machine without a GPU asks for none, and one without log files for none', () => {
  const router = agentConfig({ logGroupName: '/sglang-fleet/dev/router', units: ['fleet-router'] });
  expect(router.metrics.metrics_collected.nvidia_gpu).toBeUndefined();
  expect(router.logs.logs_collected.files).toBeUndefined();
});
