import { execFileSync } from 'node:child_process';
import { devConfig, fetchesOf, fleetTemplates, userDataOf } from '../support/fleet-templates.ts';

const templates = fleetTemplates(devConfig());
const router = userDataOf(templates['router']!);
const worker = userDataOf(templates['workers-small']!);

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
