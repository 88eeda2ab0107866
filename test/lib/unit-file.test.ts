import { App, Lazy, Stack } from 'aws-cdk-lib';
import type { UserData } from 'aws-cdk-lib/aws-ec2';
import { FileAsset } from '../../lib/file-asset.ts';
import { daemonUnitFile } from '../../lib/unit-file.ts';
import { machineUserData } from '../../lib/user-data.ts';

const stack = () => new Stack(new App({ context: { 'aws:cdk:bundling-stacks': [] } }), 'stack');
const daemon = { name: 'fleet-x', description: 'X', command: ['/usr/bin/x'], stopSeconds: 90 };
const addressOf = (value: string) => Lazy.string({ produce: () => value });

function bootScript(scope: Stack, lateEnvironment?: Record<string, string>): string {
  const unit = daemonUnitFile(scope, { ...daemon, ...(lateEnvironment && { lateEnvironment }) });
  const userData: UserData = machineUserData({ files: {}, units: [unit], agentConfig: 'agent.json' });
  const parts = scope.resolve(userData.render())['Fn::Join'][1] as (string | object)[];
  return parts.map((part) => (typeof part === 'string' ? part : 'bucket')).join('');
}

test('a unit is fetched, and what only the deployment knows stands beside it', () => {
  const script = bootScript(stack(), { URL: addressOf('postgres://db.example') });
  expect(script).toMatch(/^fetch \S+ \/etc\/systemd\/system\/fleet-x\.service [0-9a-f]{64}$/m);
  expect(script).toContain(
    'cat >/etc/systemd/system/fleet-x.service.d/fleet.conf <<\'EOF\'\n[Service]\nEnvironment="URL=postgres://db.example"\nEOF\n',
  );
});

test('a unit without such values needs nothing beside it', () => {
  expect(bootScript(stack())).not.toContain('.service.d');
});

// The content would hold a mark of the CDK, which another run numbers differently.
test('a shipped file cannot hold what only the deployment knows', () => {
  const content = `url: ${addressOf('postgres://db.example')}`;
  expect(() => new FileAsset(stack(), 'File', { content, extension: '.yaml' })).toThrow(
    'stack/File has values that only the deployment knows.',
  );
});
