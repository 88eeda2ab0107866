import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from '../support/fleet-templates.ts';
import { compileCache } from '../support/process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `fleet config ...` in the repository. */
async function config(...options: string[]): Promise<Ended> {
  const command = ['runtime/cli/main.ts', 'config', ...options];
  const env = { ...process.env, NODE_COMPILE_CACHE: compileCache };
  const run = promisify(execFile)(process.execPath, command, { cwd: repositoryRoot, env });
  return await run.then(
    (output) => ({ code: 0, ...output }),
    (error: Ended) => ({ code: error.code, stdout: error.stdout, stderr: error.stderr }),
  );
}

const dev = await readFile(path.join(repositoryRoot, 'fleets/dev.yaml'), 'utf8');

async function devWith(folder: string, from: string, to: string): Promise<string> {
  const file = path.join(folder, 'fleet.yaml');
  await writeFile(file, dev.replace(from, to));
  return file;
}

test('check says what a good file has room for and ends with 0', async () => {
  const { code, stdout, stderr } = await config('check', 'fleets/dev.yaml', 'fleets/spot.yaml');
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(
    /^fleets\/dev\.yaml has no mistakes\n {2}small: Qwen\/Qwen3-0\.6B \(apache-2\.0\) on g6\.xlarge: room/,
  );
  expect(stdout).toMatch(/fleets\/spot\.yaml has no mistakes/);
});

test('check lists the mistakes of all files and ends with 1', async () => {
  await using folder = await temporaryDirectory();
  const file = await devWith(folder.path, 'natGateways: 1', 'natGateways: 9');
  const { code, stdout, stderr } = await config('check', 'fleets/dev.yaml', file, 'fleets/none.yaml');
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(
    /dev\.yaml has no mistakes[\s\S]*line 9, network\.natGateways is 9: [\s\S]*none\.yaml has 1 mistake/,
  );
});

test('check shows warnings, and takes them for mistakes when it is told to', async () => {
  await using folder = await temporaryDirectory();
  const file = await devWith(folder.path, 'holdSeconds: 1800', 'holdSeconds: 60');
  const lenient = await config('check', file);
  expect([lenient.code, lenient.stdout]).toEqual([
    0,
    expect.stringMatching(/has 1 warning:\n.*workers\[0\]\.min is 0/),
  ]);
  const strict = await config('check', '--strict', file);
  expect([strict.code, strict.stderr]).toEqual([1, expect.stringMatching(/has 1 warning/)]);
});

test('explain shows values below a path, as text and as JSON', async () => {
  const text = await config('explain', 'fleets/dev.yaml', 'workers[0].scaling');
  expect(text.stdout.split('\n')[0]).toBe('workers[0].scaling.targetUtilization = 0.7');
  expect(text.stdout).not.toMatch(/schedules/);
  const json = await config('explain', 'fleets/dev.yaml', 'logs', '--json');
  expect(JSON.parse(json.stdout)).toEqual([
    { path: 'logs.retentionDays', value: 14, from: 'fleets/dev.yaml:42', meaning: 'How long logs are kept.' },
  ]);
});

test('explain of a file with mistakes lists them, and of a path that is not there says so', async () => {
  await using folder = await temporaryDirectory();
  const file = await devWith(folder.path, 'natGateways: 1', 'natGateways: 9');
  const broken = await config('explain', file);
  expect([broken.code, broken.stderr]).toEqual([1, expect.stringMatching(/^fleet config explain: .* has 1 mistake/)]);
  const missing = await config('explain', 'fleets/dev.yaml', 'worker');
  expect([missing.code, missing.stderr]).toEqual([1, 'fleets/dev.yaml has nothing at worker\n']);
});

test.each(['fleet', 'model'] as const)('schema prints the JSON Schema of %s files', async (name) => {
  const { stdout } = await config('schema', name);
  expect(stdout).toBe(await readFile(path.join(repositoryRoot, `${name}s/${name}.schema.json`), 'utf8'));
});
