import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { FakeInstanceMetadata } from '../../support/cloud/instance-metadata.ts';
import { exampleConfig, operationsOf } from '../../support/operations-template.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const run = promisify(execFile);

interface Content {
  readonly schemaVersion: string;
  readonly parameters: Record<
    string,
    { type: string; default: string; allowedValues?: string[]; allowedPattern?: string }
  >;
  readonly mainSteps: { action: string; inputs: { timeoutSeconds: string; runCommand: string[] } }[];
}

const config = exampleConfig('production');
const documents = Object.values(operationsOf(config).findResources('AWS::SSM::Document')).map(({ Properties }) => ({
  name: Properties.Name as string,
  updateMethod: Properties.UpdateMethod as string,
  content: Properties.Content as Content,
}));
const documentNamed = (name: string) => documents.find((document) => document.name === `sglang-prod-${name}`)!;

test('there are documents to drain, to restart and to look', () => {
  expect(documents.map(({ name }) => name).sort()).toEqual([
    'sglang-prod-diagnostics',
    'sglang-prod-drain-worker',
    'sglang-prod-restart-engine',
  ]);
});

describe.each(documents)('$name', ({ updateMethod, content }) => {
  const [step] = content.mainSteps;
  const script = step!.inputs.runCommand.join('\n');

  test('is a command that a later deployment gives a new version', () => {
    expect(content.schemaVersion).toBe('2.2');
    expect(step!.action).toBe('aws:runShellScript');
    expect(updateMethod).toBe('NewVersion');
  });

  test('limits every parameter, so that no value is anything but a word in the script', () => {
    const hostile = ["'; reboot; '", '$(reboot)', '`reboot`', '30\nreboot', '-1', ''];
    for (const parameter of Object.values(content.parameters)) {
      const allows = (value: string) =>
        parameter.allowedValues?.includes(value) ?? new RegExp(parameter.allowedPattern!).test(value);
      expect(hostile.filter(allows)).toEqual([]);
      expect(allows(parameter.default)).toBe(true);
    }
  });

  test('uses each of its parameters, once and in quotes', () => {
    const used = [...script.matchAll(/'\{\{ (\w+) \}\}'/g)].map(([, name]) => name);
    expect(used).toEqual(Object.keys(content.parameters));
    expect(script.match(/\{\{/g)).toHaveLength(used.length);
  });

  test('is bash from its first line on', async () => {
    expect(step!.inputs.runCommand[0]).toBe('#!/bin/bash');
    await expect(run('bash', ['-n', '-c', script])).resolves.toBeDefined();
  });
});

test('a restart may take as long as the longest drain', () => {
  const [step] = documentNamed('restart-engine').content.mainSteps;
  expect(Number(step!.inputs.timeoutSeconds)).toBeGreaterThan(config.workers[0]!.drainSeconds);
});

/** A machine on which programs of AWS and systemd say what they were called with. */
async function machine(programs: Readonly<Record<string, string>>) {
  const folder = await temporaryDirectory();
  const bin = path.join(folder.path, 'bin');
  const calls = path.join(folder.path, 'calls');
  await mkdir(bin);
  await writeFile(calls, '');
  for (const [name, body] of Object.entries(programs)) {
    await writeFile(path.join(bin, name), `#!/bin/bash\necho "${name} $*" >> "${calls}"\n${body}\n`);
    await chmod(path.join(bin, name), 0o755);
  }
  const metadata = await FakeInstanceMetadata.start({
    'instance-id': 'i-0123456789abcdef0',
    'placement/region': 'us-east-1',
  });
  return {
    metadata,
    calls: async () => (await readFile(calls, 'utf8')).trimEnd().split('\n'),
    /** Runs a document as the agent of Systems Manager does: its lines in a file, its parameters put in as they are. */
    async run(name: string, parameters: Readonly<Record<string, string>>, change = (script: string) => script) {
      const { content } = documentNamed(name);
      const lines = content.mainSteps[0]!.inputs.runCommand.join('\n');
      const values = {
        ...Object.fromEntries(Object.entries(content.parameters).map(([k, v]) => [k, v.default])),
        ...parameters,
      };
      const script = Object.entries(values).reduce((text, [key, value]) => text.replace(`{{ ${key} }}`, value), lines);
      const file = path.join(folder.path, 'script.sh');
      await writeFile(file, change(script));
      const env = { ...process.env, PATH: `${bin}:${process.env['PATH']}`, METADATA: metadata.endpoint };
      return (await run('bash', [file], { env })).stdout;
    },
    async [Symbol.asyncDispose]() {
      await metadata[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test('draining asks the runner with the secret of the fleet, which no command line shows', async () => {
  const seen: string[] = [];
  const runner = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers.authorization}`);
    response.end('{"status":"draining"}');
  }).listen(0, '127.0.0.1');
  await once(runner, 'listening');
  try {
    await using fake = await machine({ aws: 'echo s3cret' });
    const { port } = runner.address() as AddressInfo;
    const output = await fake.run('drain-worker', {}, (script) => script.replace("'4200'", `'${port}'`));
    expect(seen).toEqual(['POST /drain Bearer s3cret']);
    expect(output).toContain('"draining"');
    const calls = (await fake.calls()).join('\n');
    expect(calls).toContain('--secret-id sglang-fleet/sglang-prod/internal');
    expect(calls + output).not.toContain('s3cret');
  } finally {
    runner.close();
    await once(runner, 'close');
  }
});

test('a drain that the runner refuses is a failed command', async () => {
  const runner = createServer((_, response) => response.writeHead(401).end('no')).listen(0, '127.0.0.1');
  await once(runner, 'listening');
  try {
    await using fake = await machine({ aws: 'echo s3cret' });
    const { port } = runner.address() as AddressInfo;
    const attempt = fake.run('drain-worker', {}, (script) => script.replace("'4200'", `'${port}'`));
    await expect(attempt).rejects.toMatchObject({ code: expect.any(Number) });
  } finally {
    runner.close();
    await once(runner, 'close');
  }
});

test('replacing a machine tells its group that it is ill', async () => {
  await using fake = await machine({ aws: '' });
  await fake.run('drain-worker', { Afterwards: 'replace' });
  expect(await fake.calls()).toEqual([
    'aws autoscaling set-instance-health --no-should-respect-grace-period --health-status Unhealthy --region us-east-1 --instance-id i-0123456789abcdef0',
  ]);
});

test('nobody is told anything by a machine that does not know itself', async () => {
  await using fake = await machine({ aws: '' });
  fake.metadata.items.delete('placement/region');
  await expect(fake.run('drain-worker', { Afterwards: 'replace' })).rejects.toMatchObject({ code: expect.any(Number) });
  expect(await fake.calls()).toEqual(['']);
});

test.each([
  ['yes', ['restart fleet-runner']],
  ['no', ['kill --kill-whom=all --signal=KILL fleet-runner', 'reset-failed fleet-runner', 'start fleet-runner']],
])('restarting the engine, drained first: %s', async (Drain, commands) => {
  await using fake = await machine({ systemctl: '' });
  await fake.run('restart-engine', { Drain });
  const calls = [...commands, '--no-pager --lines 0 status fleet-runner'].map((words) => `systemctl ${words}`);
  expect(await fake.calls()).toEqual(calls);
});

test('diagnostics print all they can, though programs are missing or fail', async () => {
  await using fake = await machine({
    systemctl: 'case "$*" in *--no-legend*) echo "fleet-runner.service loaded active running";; *) exit 1;; esac',
    journalctl: 'for i in 1 2 3 4 5; do echo "{\\"level\\":\\"warn\\",\\"msg\\":\\"line $i\\"}"; done',
    'nvidia-smi': 'echo "0, NVIDIA L4"; exit 9',
  });
  const output = await fake.run('diagnostics', { Minutes: '60', Lines: '2' });
  expect(output).toMatch(/== units\n/);
  expect(output).toMatch(/== GPUs\n0, NVIDIA L4\n/);
  expect(output).toMatch(
    /== fleet-runner\.service\n\{"level":"warn","msg":"line 4"\}\n\{"level":"warn","msg":"line 5"\}\n/,
  );
  expect(output).not.toContain('line 3');
  expect(await fake.calls()).toContainEqual('journalctl --no-pager -o cat --since -60 min -u fleet-runner.service');
});
