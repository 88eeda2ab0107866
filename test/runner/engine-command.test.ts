import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { engineCommand } from '../../runtime/runner/engine/engine-command.ts';
import { containerVariables, engineEnvironment } from '../../runtime/runner/engine/engine-environment.ts';
import { type RunnerFlags, resolveRunnerOptions } from '../../runtime/runner/options.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const address = { host: '0.0.0.0', port: 7999 };
const flags: RunnerFlags = {
  ...{ listenHost: '0.0.0.0', port: 0, maxSandboxes: 1, sandboxMemoryMb: 0, sandboxIdleSeconds: 1, warmSandboxes: 0 },
  ...{
    enginePort: 7999,
    python: 'python3',
    containerProgram: 'docker',
    startupSilenceSeconds: 1,
    startupMaxSeconds: 0,
  },
  ...{ machine: 'none', launchHook: 'launch', terminateHook: 'terminate', hookTimeoutSeconds: 90 },
  ...{ giveUpAfter: 5, drainSeconds: 1, dataDir: '/data/one', timeScale: 1, model: 'Qwen/Qwen3-0.6B' },
};

function commandOf(
  more: Partial<RunnerFlags>,
  raw: readonly string[] = [],
  environment: NodeJS.ProcessEnv = {},
): string[] {
  const { engine } = resolveRunnerOptions({ ...flags, ...more }, raw);
  const { file, args } = engineCommand(engine, address, 1, environment);
  return [file, ...args];
}

test('sglang serve takes the same flags as the module', () => {
  const more = { engineSetting: { tensorParallelSize: 2 } };
  const [file, verb, ...rest] = commandOf({ ...more, engine: 'sglang-serve' }, ['--dp', '1']);
  expect([file, verb]).toEqual(['sglang', 'serve']);
  expect(commandOf({ ...more, engine: 'sglang' }, ['--dp', '1'])).toEqual([
    ...['python3', '-m', 'sglang.launch_server'],
    ...rest,
  ]);
  expect(rest.join(' ')).toContain('--tp-size 2 --dp-size 1');
});

test('an image alone means a container', () => {
  const words = commandOf({ engineImage: 'lmsysorg/sglang:v0.5.18' }, [], { HOME: '/home/someone' });
  expect(words.join(' ')).toBe(
    `docker run --init --rm --gpus all --network host --name ${words[words.indexOf('--name') + 1]} --ipc host --ulimit memlock=-1 ` +
      '--volume /home/someone/.cache/huggingface:/root/.cache/huggingface lmsysorg/sglang:v0.5.18 ' +
      'python3 -m sglang.launch_server --model-path Qwen/Qwen3-0.6B --host 0.0.0.0 --port 7999 --enable-metrics --enable-cache-report',
  );
});

test('a container has the same name after every restart, and another one for another data folder', () => {
  const nameOf = (dataDir: string) => resolveRunnerOptions({ ...flags, dataDir }, []).engine.container.name;
  expect(nameOf('/data/one')).toBe(nameOf('/data/one'));
  expect(nameOf('/data/one')).toMatch(/^fleet-engine-[0-9a-f]{8}$/);
  expect(nameOf('/data/two')).not.toBe(nameOf('/data/one'));
});

test("a user's container options stand behind ours, and a local model is mounted", async () => {
  await using folder = await temporaryDirectory();
  const model = path.join(folder.path, 'model');
  mkdirSync(model);
  const words = commandOf(
    { engineImage: 'image', model, containerOption: ['--ipc=private', '--shm-size=32g'], containerProgram: 'podman' },
    [],
    { HF_HOME: '/weights' },
  ).join(' ');
  expect(words).toMatch(/^podman run .*--ipc host .* --ipc=private --shm-size=32g image python3 /);
  expect(words).toContain(`--volume /weights:/root/.cache/huggingface --volume ${model}:${model}:ro`);
});

test('no value of the environment stands on the command line of a container', () => {
  const environment = engineEnvironment({ HF_TOKEN: 'hf_geheim', CUDA_HOME: '/usr/local/cuda', HOME: '/home/x' });
  const words = commandOf({ engineImage: 'image' }, [], environment);
  expect(words.join(' ')).not.toContain('geheim');
  expect(words.join(' ')).toContain('--env HF_TOKEN');
  expect(words.join(' ')).not.toContain('CUDA_HOME');
});

test.each([
  [{ engine: 'container' }, '--engine-image'],
  [{ engine: 'sglang', model: undefined }, '--model'],
  [{ engine: 'sglang-serve', model: undefined }, '--model'],
  [{ engine: 'command', engineCommand: 'run', engineSetting: { tp: 2 } }, '--engine-setting tp is for SGLang'],
  [{ engine: 'simulator', engineSetting: { tp: 2 } }, '--engine-setting tp is for SGLang'],
] as [Partial<RunnerFlags>, string][])('%j is refused: %s', (more, message) => {
  expect(() => commandOf(more)).toThrow(message);
});

describe('the environment', () => {
  test('lets a drain finish whatever the surrounding shell says', () => {
    const environment = engineEnvironment({ SGL_FORCE_SHUTDOWN: '1', SGLANG_FORCE_SHUTDOWN: '1' });
    expect(environment).toMatchObject({ SGL_FORCE_SHUTDOWN: 'false', SGLANG_FORCE_SHUTDOWN: 'false' });
  });

  test('turns header overrides and unbuffered output on, unless the user says otherwise', () => {
    expect(engineEnvironment({})).toMatchObject({ SGLANG_ENABLE_REQUEST_HEADER_OVERRIDES: '1', PYTHONUNBUFFERED: '1' });
    expect(engineEnvironment({ SGLANG_ENABLE_REQUEST_HEADER_OVERRIDES: '0' })).toMatchObject({
      SGLANG_ENABLE_REQUEST_HEADER_OVERRIDES: '0',
    });
  });

  test('holds no secret of the fleet', () => {
    const secrets = ['INTERNAL_SECRET', 'API_KEYS', 'ADMIN_KEYS', 'ENGINE_API_KEY', 'DATABASE_URL'];
    const own = Object.fromEntries(secrets.map((name) => [`FLEET_${name}`, 'geheim']));
    expect(JSON.stringify(engineEnvironment({ ...own, FLEET_PORT: '1', HF_TOKEN: 't' }))).not.toContain('geheim');
    expect(engineEnvironment({ ...own, FLEET_PORT: '1', HF_TOKEN: 't' })).toMatchObject({
      FLEET_PORT: '1',
      HF_TOKEN: 't',
    });
  });

  test('a container takes over what means the same inside it', () => {
    const environment = {
      SGLANG_LOG_MS: '1',
      NCCL_DEBUG: 'INFO',
      HF_HOME: '/h',
      PATH: '/bin',
      FLEET_PORT: '1',
      HF_TOKEN: 't',
    };
    expect(containerVariables(environment)).toEqual(['HF_TOKEN', 'NCCL_DEBUG', 'SGLANG_LOG_MS']);
  });
});
