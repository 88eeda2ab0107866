import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { readAgents } from '../../runtime/sandboxes/read-agents.ts';
import { devConfig, fetchesOf, synthesizeFleet, userDataOf } from '../support/fleet-templates.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const fleet = synthesizeFleet(devConfig());
const router = userDataOf(fleet.templates['router']!);
const worker = userDataOf(fleet.templates['workers-small']!);
const unitFolder = '/etc/systemd/system';
const routerUnit = fleet.files('router')[`${unitFolder}/fleet-router.service`]!;
const runnerUnit = fleet.files('workers-small')[`${unitFolder}/fleet-runner.service`]!;

describe.each([
  ['router', router],
  ['worker', worker],
])('the boot script of a %s', (_name, script) => {
  test('is far below the limit of 16 KiB', () => {
    expect(Buffer.byteLength(script)).toBeLessThan(4_096);
  });

  test('is valid bash that stops at the first failure', () => {
    execFileSync('bash', ['-n'], { input: script });
    expect(script.split('\n').slice(0, 2)).toEqual(['#!/bin/bash', 'set -euo pipefail']);
  });

  test('fetches nothing without comparing it with its digest', () => {
    expect(script.match(/^.*(aws s3|curl|wget).*$/gm)).toEqual([
      expect.stringMatching(/^fetch\(\) .*sha256sum --check/),
    ]);
    expect(fetchesOf(script)).toHaveLength(script.match(/^fetch /gm)!.length);
  });

  test('starts what it has fetched, at each boot', () => {
    const fetched = fetchesOf(script).flatMap(
      ({ file }) => /^\/etc\/systemd\/system\/(.+)\.service$/.exec(file)?.[1] ?? [],
    );
    expect(/^systemctl enable --now (.+)$/m.exec(script)?.[1]?.split(' ')).toEqual(fetched);
  });

  test('starts the daemons before the CloudWatch agent, whose troubles must not stop them', () => {
    expect(script.indexOf('systemctl enable --now')).toBeLessThan(script.indexOf('amazon-cloudwatch-agent-ctl'));
  });

  test('knows no secret', () => {
    expect(script).not.toMatch(/secret|password|api.?key/i);
  });
});

test('the router listens on its port and looks for workers in their group', () => {
  expect(routerUnit).toContain(
    'ExecStart=/usr/bin/node-24 /opt/fleet/router.mjs --host 0.0.0.0 --port 8000 --asg sglang-dev-workers-small',
  );
  expect(routerUnit).toContain('Environment=AWS_REGION=us-east-1');
});

test('where no worker need be, the router holds requests until the first one has started', () => {
  const config = devConfig();
  const unitWith = (min: number) => {
    const workers = config.workers.map((group) => ({ ...group, min }));
    return synthesizeFleet({ ...config, workers }).files('router')[`${unitFolder}/fleet-router.service`];
  };
  expect(unitWith(1)).not.toContain('--hold-seconds');
  expect(unitWith(0)).toContain('--hold-seconds 600');
});

test('the router writes its metrics where the CloudWatch agent collects them', () => {
  expect(routerUnit).toContain('--emf-file /var/log/fleet/metrics.emf');
});

test('the runner serves the model with the flags of the library and of the group', () => {
  expect(runnerUnit).toMatch(
    /runner\.mjs .*--model Qwen\/Qwen3-0\.6B .*-- --reasoning-parser qwen3 --mem-fraction-static 0\.8\n/,
  );
});

test('declared agents reach the runner as the file that it reads', async () => {
  const agents = [{ name: 'it-quotes', command: ['sh', '-c', 'echo "$HOME" \'%s\''], env: { A: 'b c' }, warm: 1 }];
  const files = synthesizeFleet({ ...devConfig(), agents }).files('workers-small');
  expect(files[`${unitFolder}/fleet-runner.service`]).toContain('--agents /opt/fleet/agents.json');
  await using folder = await temporaryDirectory();
  const file = path.join(folder.path, 'agents.json');
  await writeFile(file, files['/opt/fleet/agents.json']!);
  expect(readAgents(file)).toMatchObject([
    { name: 'it-quotes', program: { kind: 'command', argv: agents[0]!.command }, env: { A: 'b c' }, warm: 1 },
  ]);
  expect(runnerUnit).not.toContain('--agents');
});

test('a runner that drains is not killed before its drain is over', () => {
  const drain = Number(/--drain-seconds (\d+)/.exec(runnerUnit)?.[1]);
  const stop = Number(/TimeoutStopSec=(\d+)/.exec(runnerUnit)?.[1]);
  expect(stop).toBeGreaterThan(drain);
});
