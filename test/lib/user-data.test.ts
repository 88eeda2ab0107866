import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { readAgents } from '../../runtime/sandboxes/read-agents.ts';
import { devConfig, fleetTemplates, userDataOf } from '../support/fleet-templates.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const templates = fleetTemplates(devConfig());
const router = userDataOf(templates['router']!);
const worker = userDataOf(templates['workers-small']!);

describe.each([
  ['router', router, ['router.mjs', 'leave-group.sh', 'mount-store.sh', 'agent.json']],
  ['worker', worker, ['runner.mjs', 'chat-agent.mjs', 'log-monitor.mjs', 'agent.json']],
])('the boot script of a %s', (_name, script, files) => {
  test('is far below the limit of 16 KiB', () => {
    expect(Buffer.byteLength(script)).toBeLessThan(4_096);
  });

  test('is valid bash that stops at the first failure', () => {
    execFileSync('bash', ['-n'], { input: script });
    expect(script.split('\n').slice(0, 2)).toEqual(['#!/bin/bash', 'set -euo pipefail']);
  });

  test('compares every file that it fetches with its digest', () => {
    const fetched = [...script.matchAll(/^fetch \S+\/[0-9a-f]{64}\.\w+ \/opt\/fleet\/(\S+) [0-9a-f]{64}$/gm)];
    expect(fetched.map((match) => match[1])).toEqual(files);
  });

  test('starts the daemons before the CloudWatch agent, whose troubles must not stop them', () => {
    expect(script.indexOf('systemctl enable --now')).toBeLessThan(script.indexOf('amazon-cloudwatch-agent-ctl'));
  });
});

test('the runner serves the model with the flags of the library and of the group', () => {
  expect(worker).toMatch(
    /runner\.mjs .*--model Qwen\/Qwen3-0\.6B .*-- --reasoning-parser qwen3 .*--mem-fraction-static 0\.8\n/,
  );
});

test('the runner gives each sandbox a control group, so it has one to divide', () => {
  expect(worker).toMatch(/runner\.mjs.*Delegate=cpu memory pids\n/s);
  expect(router).not.toContain('Delegate=');
});

test('declared agents reach the runner as the file that it reads', async () => {
  const agents = [{ name: 'it-quotes', command: ['sh', '-c', 'echo "$HOME" \'%s\''], env: { A: 'b c' }, warm: 1 }];
  const script = userDataOf(fleetTemplates({ ...devConfig(), agents })['workers-small']!);
  expect(script).toContain('--agents /opt/fleet/agents.json');
  await using folder = await temporaryDirectory();
  const file = path.join(folder.path, 'agents.json');
  execFileSync('bash', [
    '-c',
    /cat >\/opt\/fleet\/agents\.json.*?\nEOF\n/s.exec(script)![0].replace('/opt/fleet/agents.json', file),
  ]);
  expect(readAgents(file)).toMatchObject([
    { name: 'it-quotes', program: { kind: 'command', argv: agents[0]!.command }, env: { A: 'b c' }, warm: 1 },
  ]);
  expect(worker).not.toContain('--agents');
});

test('a runner that drains is not killed before its drain is over', () => {
  const drain = Number(/--drain-seconds (\d+)/.exec(worker)?.[1]);
  const stop = Number(/TimeoutStopSec=(\d+)/.exec(worker)?.[1]);
  expect(stop).toBeGreaterThan(drain);
});
