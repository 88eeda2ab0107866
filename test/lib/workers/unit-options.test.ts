import { monitorCommand } from '../../../runtime/log-monitor/command.ts';
import { runnerCommand } from '../../../runtime/runner/command.ts';
import { type RunnerFlags, resolveRunnerOptions } from '../../../runtime/runner/options.ts';
import { parseUnit } from '../../support/assembly/unit-text.ts';
import { workerConfig, workerStack } from '../../support/worker-stack.ts';

const { sglang, purchase } = workerConfig();
const variants = {
  'an engine of its own': {},
  'weights in S3': { weights: { from: 's3', stream: false, uri: 's3://models/qwen' } },
  'an engine in a container': { sglang: { ...sglang, container: `x@sha256:${'a'.repeat(64)}` } },
  'a warm pool': { warmPool: { size: 1, reuseOnScaleIn: true } },
  'Spot machines': { purchase: { ...purchase, onDemandShare: 0 } },
} as const;

/** Words behind the daemon's bundle. */
function wordsOf(unit: string): string[] {
  const { command } = parseUnit(unit);
  return command.slice(command.findIndex((word) => word.endsWith('.mjs')) + 1);
}

describe.each(Object.entries(variants))('a worker with %s', (_name, changes) => {
  const stack = workerStack(changes);

  test('starts its runner with options that the runner has', () => {
    let flags: RunnerFlags | undefined;
    let engineArguments: string[] = [];
    const command = runnerCommand().exitOverride();
    command.action((rest: string[], given: RunnerFlags) => {
      flags = given;
      engineArguments = rest;
    });
    command.parse(wordsOf(stack.runnerUnit), { from: 'user' });
    const options = resolveRunnerOptions(flags!, engineArguments);
    expect(options.machine).toMatchObject({ kind: 'ec2', groupName: 'sglang-dev-workers-small' });
    expect(options.engine.kind).toBe('sglang' in changes ? 'container' : 'sglang');
    expect(options.engine.extraArguments).toContain('--mem-fraction-static');
  });

  test('starts its log monitor with options that the log monitor has', () => {
    let publish: string | undefined;
    const command = monitorCommand().exitOverride();
    command.action((settings: { publish: string }) => {
      publish = settings.publish;
    });
    command.parse(wordsOf(stack.monitorUnit), { from: 'user' });
    expect(publish).toBe('mixed');
  });
});
