import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { readAgents } from '../../../runtime/sandboxes/read-agents.ts';
import { fetchesOf } from '../../support/fleet-templates.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { groupName, optionOf, workerConfig, workerStack } from '../../support/worker-stack.ts';

const agents = [{ name: 'it-quotes', command: ['sh', '-c', 'echo "$HOME" \'%s\''], env: { A: 'b c' }, warm: 1 }];
const container = `registry.example.com/team/sglang@sha256:${'a'.repeat(64)}`;
const tokenSecretArn = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:hf-AbCdEf';
const { sglang } = workerConfig();

const plain = workerStack();
const stacks = {
  plain,
  'with all that a boot script can hold': workerStack(
    {
      weights: { from: 'huggingface', stream: false, tokenSecretArn },
      sglang: {
        ...sglang,
        container,
        flags: Object.fromEntries([...Array(60)].map((_, i) => [`flag-${i}`, 'x'.repeat(60)])),
      },
      warmPool: { size: 1, reuseOnScaleIn: true },
    },
    { agents },
  ),
  'with weights that are streamed': workerStack({
    weights: { from: 's3', uri: `s3://bucket/${'folder/'.repeat(20)}model`, stream: true },
  }),
};

describe.each(Object.entries(stacks))('a boot script %s', (_name, { userData }) => {
  test('is far below the 16 KiB that EC2 takes', () => {
    expect(Buffer.byteLength(userData)).toBeLessThan(4_096);
  });

  test('is valid bash that stops at the first failure', () => {
    execFileSync('bash', ['-n'], { input: userData });
    expect(userData.split('\n').slice(0, 2)).toEqual(['#!/bin/bash', 'set -euo pipefail']);
  });

  test('fetches nothing without comparing it with its digest', () => {
    expect(fetchesOf(userData)).toHaveLength(userData.match(/^fetch /gm)!.length);
    expect(userData.match(/aws s3|curl|wget/g)).toHaveLength(1);
  });

  test('knows no secret, nor where one is', () => {
    expect(userData).not.toMatch(/secret|token|password/i);
  });
});

test('the disk of the weights is there before the runner, which is there before the log monitor', () => {
  expect(/^systemctl enable --now (.+)$/m.exec(plain.userData)?.[1]).toBe(
    'fleet-storage fleet-runner fleet-log-monitor',
  );
  expect(plain.runnerUnit).toContain('\nRequires=fleet-storage.service\n');
});

test('SGLang is installed at its pinned version, unless the image brings it', () => {
  expect(plain.userData).toContain(
    `if [ ! -x /opt/sglang/bin/python ]; then python3.12 -m venv /opt/sglang && retry /opt/sglang/bin/python -m pip install -q --no-cache-dir 'sglang==${sglang.version}'; fi`,
  );
});

test('the flags of the group win over those of the library', () => {
  const { runnerUnit } = workerStack({
    sglang: { ...sglang, flags: { 'reasoning-parser': 'deepseek-r1', 'log-requests': true } },
  });
  expect(runnerUnit).toMatch(/^ExecStart=.* -- (.* )?--reasoning-parser deepseek-r1 .*--log-requests$/m);
  expect(runnerUnit).not.toContain('qwen3 ');
});

test('the GPUs that share a model are told to the engine once', () => {
  const unitWith = (changes: object) => workerStack({ sglang: { ...sglang, ...changes } }).runnerUnit;
  expect(unitWith({ tensorParallel: 4 }).match(/--tp(-size)? \d+/g)).toEqual(['--tp-size 4']);
  expect(unitWith({ tensorParallel: 1 })).not.toContain('--tp');
});

test('the runner gives its sandboxes control groups, sees the GPUs and is not root', () => {
  const lines = plain.runnerUnit.split('\n');
  expect(lines).toEqual(expect.arrayContaining(['User=fleet', 'Delegate=cpu memory pids', 'NoNewPrivileges=yes']));
  expect(lines.join()).not.toMatch(/PrivateDevices|ProtectClock/);
});

test('routers know a runner by the secret of the fleet, which it reads itself', () => {
  expect(plain.runnerUnit).toContain(
    '\nEnvironment=FLEET_INTERNAL_SECRET=aws-secretsmanager:sglang-fleet/sglang-dev/internal\n',
  );
});

test('declared agents reach the runner as the file that it reads', async () => {
  const { runnerUnit, files } = workerStack({}, { agents });
  expect(optionOf(runnerUnit, '--agents')).toBe('/opt/fleet/agents.json');
  await using folder = await temporaryDirectory();
  const file = path.join(folder.path, 'agents.json');
  await writeFile(file, files['/opt/fleet/agents.json']!);
  expect(readAgents(file)).toMatchObject([
    { name: 'it-quotes', program: { kind: 'command', argv: agents[0]!.command }, env: { A: 'b c' }, warm: 1 },
  ]);
  expect(plain.runnerUnit).not.toContain('--agents');
});

test('the log monitor reads log, engine and runner, and publishes what drives scaling at once, under the group', () => {
  const { monitorUnit } = plain;
  expect(optionOf(monitorUnit, '--log-file')).toBe(`${optionOf(plain.runnerUnit, '--log-dir')}/engine.log`);
  expect(optionOf(monitorUnit, '--engine-url')).toBe(`http://127.0.0.1:${optionOf(plain.runnerUnit, '--engine-port')}`);
  expect(optionOf(monitorUnit, '--runner-url')).toBe(`http://127.0.0.1:${optionOf(plain.runnerUnit, '--port')}`);
  expect(optionOf(monitorUnit, '--publish')).toBe('mixed');
  expect(optionOf(monitorUnit, '--asg')).toBe(groupName);
  expect(optionOf(monitorUnit, '--emf-file')).toBe('/var/log/fleet/metrics.emf');
});
