import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  flagMistakes,
  type LaunchParameters,
  launchCommand,
  launchEnvironment,
} from '../../../runtime/router/managed/launch-command.ts';
import { type ManagedFlags, managedMistakes, managedOptions } from '../../../runtime/router/managed/options.ts';
import { readProgramVersion } from '../../../runtime/router/managed/program-version.ts';
import { startFleetCommand } from '../../support/process.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const managed: ManagedFlags = { routerEngine: 'sglang-router' };
const nothingGiven = () => false;

describe('what sglang-router is told', () => {
  const parameters: LaunchParameters = {
    port: 1_234,
    metricsPort: 5_678,
    controlKey: 'k3y',
    maxBodyBytes: 1_000,
    engineCa: undefined,
  };
  const launch = (extraArguments: readonly string[], program?: string) =>
    launchCommand({ python: 'py', program, extraArguments }, parameters);
  const valuesOf = (args: readonly string[], flag: string) =>
    args.flatMap((argument, index) => (argument === flag ? [args[index + 1]] : []));

  test('it listens on the loopback interface only, with its metrics too, and logs no requests', () => {
    const { file, args } = launch([]);
    expect([file, ...args.slice(0, 2)]).toEqual(['py', '-m', 'sglang_router.launch_router']);
    expect(valuesOf(args, '--host')).toEqual(['127.0.0.1']);
    expect(valuesOf(args, '--prometheus-host')).toEqual(['127.0.0.1']);
    expect(valuesOf(args, '--port')).toEqual(['1234']);
    expect(valuesOf(args, '--log-level')).toEqual(['warn']);
  });

  test("the user's arguments are passed on, and replace what is only a default here", () => {
    const { args } = launch(['--policy', 'random', '--prometheus-port=9000', '--log-level', 'debug']);
    expect(args.slice(-5)).toEqual(['--policy', 'random', '--prometheus-port=9000', '--log-level', 'debug']);
    expect(valuesOf(args, '--log-level')).toEqual(['debug']);
    expect(valuesOf(args, '--prometheus-port')).toEqual([]);
  });

  test('a program takes the same behind "launch"', () => {
    const { file, args } = launch([], '/opt/smg');
    expect([file, args[0]]).toEqual(['/opt/smg', 'launch']);
    expect(args.slice(1)).toEqual(launch([]).args.slice(2));
  });

  test("the fleet's secrets are not in its environment", () => {
    const environment = launchEnvironment({ FLEET_API_KEYS: 'a:b', FLEET_INTERNAL_SECRET: 's', HF_HOME: '/hf' });
    expect(environment).toEqual({ PYTHONUNBUFFERED: '1', HF_HOME: '/hf' });
  });
});

describe('contradictions', () => {
  test.each([
    '--host',
    '--port=1',
    '--worker-urls',
    '--worker-url',
    '--pd-disaggregation',
    '--api-key',
    '--tls-cert-path',
  ])('%s is a part that the router plays itself', (argument) => expect(flagMistakes([argument, 'x'])).toHaveLength(1));

  test.each([
    '--policy',
    '--dp-aware',
    '--prometheus-port',
    '--health-check-interval-secs',
    '--cache-threshold',
    'x',
    '-h',
  ])('%s is the business of sglang-router', (argument) => expect(flagMistakes([argument])).toEqual([]));

  test('a message names the flag and what to use instead', () => {
    expect(flagMistakes(['--worker-urls', 'http://a'])).toEqual([
      'sglang-router cannot be given --worker-urls: its workers are those of this router: --worker-url, runners, --asg.',
    ]);
  });

  test('options of the built-in relay are refused when they were given, whatever their defaults', () => {
    expect(managedMistakes(managed, [], nothingGiven)).toEqual([]);
    expect(managedMistakes(managed, [], (name) => name === 'policy')).toMatchObject([
      expect.stringContaining('--policy'),
    ]);
  });

  test('arguments in one option are checked and passed as those behind the dashes', () => {
    const flags = { ...managed, sglangRouterArguments: ' --policy  random --port 1' };
    expect(managedMistakes(flags, ['--host'], nothingGiven)).toHaveLength(2);
    const expected = ['--policy', 'random', '--port', '1', '--dp-aware'];
    expect(managedOptions(flags, ['--dp-aware'])?.extraArguments).toEqual(expected);
  });

  test('the built-in relay takes no arguments of another program', () => {
    const flags: ManagedFlags = { routerEngine: 'builtin' };
    expect(managedMistakes(flags, ['--dp-aware'], nothingGiven)).toHaveLength(1);
    expect(managedOptions(flags, [])).toBeUndefined();
  });

  test('the command says all of them and does not start', async () => {
    const args = ['router', '--port', '0', '--router-engine', 'sglang-router', '--policy', 'round-robin'];
    await using router = startFleetCommand([...args, '--sglang-router-python', 'a', '--', '--port', '1'], {
      env: { FLEET_SGLANG_ROUTER_PROGRAM: 'b' },
    });
    expect((await router.waitForExit()).code).toBe(1);
    expect(router.output).toContain("--policy is the built-in relay's");
    expect(router.output).toContain('--sglang-router-python and --sglang-router-program');
    expect(router.output).toContain('sglang-router cannot be given --port');
  });
});

describe('a program that cannot be it', () => {
  const read = (python: string, program?: string) => readProgramVersion({ python, program, extraArguments: [] });

  test('a Python that is not there', () => expect(read('no-such-python')).rejects.toThrow('--sglang-router-python'));

  test('one without the package is told how to get it', () =>
    // Stands for a Python whose import fails: it ends with status 1 whatever it is told.
    expect(read('false')).rejects.toThrow('pip install sglang-router'));

  test('a program that is not there', () =>
    expect(read('python3', '/no/such/program')).rejects.toThrow('--sglang-router-program /no/such/program'));

  test('one that names no version, and one that is too old', async () => {
    await using folder = await temporaryDirectory();
    const program = path.join(folder.path, 'program');
    const print = (text: string) => writeFile(program, `#!/bin/sh\necho '${text}'\n`, { mode: 0o755 });
    await print('hello');
    await expect(read('python3', program)).rejects.toThrow('does not name a version');
    await print('sglang-router 0.3.0');
    await expect(read('python3', program)).rejects.toThrow('sglang-router 0.3.0 is too old');
    await print('sglang-router 0.3.1.post1');
    expect(await read('python3', program)).toBe('0.3.1.post1');
  });
});
