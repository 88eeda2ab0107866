import { optionOf, workerConfig, workerStack } from '../../support/worker-stack.ts';

const tokenSecretArn = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:hf-AbCdEf';
const uri = 's3://models/qwen/0.6b';
const container = `lmsysorg/sglang@sha256:${'a'.repeat(64)}`;

const stackWith = (weights: Partial<ReturnType<typeof workerConfig>['weights']>, sglang = {}) =>
  workerStack({
    weights: { from: 'huggingface', stream: false, ...weights },
    sglang: { ...workerConfig().sglang, ...sglang },
  });
const allowed = (stack: ReturnType<typeof workerStack>, action: string) =>
  stack
    .propertiesOf('IAM::Policy')
    ['PolicyDocument'].Statement.filter((statement: { Action: string | string[] }) =>
      [statement.Action].flat().includes(action),
    );
const shown = (value: unknown) => JSON.stringify(value);

test('weights from Hugging Face go to the folder of the weights, which is on the fastest disk', () => {
  const { runnerUnit } = stackWith({});
  expect(optionOf(runnerUnit, '--model')).toBe('Qwen/Qwen3-0.6B');
  expect(runnerUnit).toContain('\nEnvironment=HF_HOME=/var/lib/fleet/weights/huggingface\n');
  expect(runnerUnit).not.toContain('HF_TOKEN');
});

test('a token of Hugging Face is read when the runner starts, and stands nowhere but in its secret', () => {
  const stack = stackWith({ tokenSecretArn });
  expect(stack.runnerUnit).toContain(`\nEnvironment=HF_TOKEN=aws-secretsmanager:${tokenSecretArn}\n`);
  expect(stack.userData).not.toContain(tokenSecretArn);
  expect(shown(allowed(stack, 'secretsmanager:GetSecretValue'))).toContain(tokenSecretArn);
});

test('weights in S3 are copied to disk before the engine starts, which is told the folder and the name that clients know', () => {
  const { runnerUnit, files } = stackWith({ from: 's3', uri });
  expect(optionOf(runnerUnit, '--model')).toBe('/var/lib/fleet/weights/model');
  expect(runnerUnit).toMatch(/^ExecStart=.* -- .*--served-model-name Qwen\/Qwen3-0\.6B( |$)/m);
  expect(optionOf(runnerUnit, '--python')).toBe('/opt/fleet/with-weights.sh');
  expect(files).toHaveProperty(['/opt/fleet/with-weights.sh']);
  for (const variable of [
    `FLEET_WEIGHTS_SOURCE=${uri}`,
    'FLEET_WEIGHTS_FOLDER=/var/lib/fleet/weights/model',
    'FLEET_ENGINE_PROGRAM=/opt/sglang/bin/python',
  ]) {
    expect(runnerUnit).toContain(`\nEnvironment=${variable}\n`);
  }
});

test('a worker reads the folder of its weights in S3 and nothing else of the bucket', () => {
  const stack = stackWith({ from: 's3', uri });
  expect(shown(allowed(stack, 's3:GetObject'))).toContain(':s3:::models/qwen/0.6b/*"');
  const [list] = allowed(stack, 's3:ListBucket');
  expect(shown(list.Resource)).toContain(':s3:::models"');
  expect(list.Condition).toEqual({ StringLike: { 's3:prefix': ['qwen/0.6b', 'qwen/0.6b/*'] } });
  expect(allowed(stackWith({}), 's3:ListBucket')).toEqual([]);
});

test('streamed weights need no disk: the engine is given their address, and the streamer is installed with it', () => {
  const stack = stackWith({ from: 's3', uri, stream: true });
  expect(optionOf(stack.runnerUnit, '--model')).toBe(uri);
  expect(optionOf(stack.runnerUnit, '--python')).toBe('/opt/sglang/bin/python');
  expect(stack.userData).toContain(`'sglang[runai]==${workerConfig().sglang.version}'`);
  expect(allowed(stack, 's3:ListBucket')).toHaveLength(1);
});

test('weights of the image are used where they lie, and nothing is asked of Hugging Face', () => {
  const { runnerUnit } = stackWith({ from: 'image' });
  expect(optionOf(runnerUnit, '--model')).toBe('/opt/models/Qwen/Qwen3-0.6B');
  expect(runnerUnit).toContain('\nEnvironment=HF_HUB_OFFLINE=1\n');
});

test('an engine in a container is pulled at boot by its digest, and the runner may speak to Docker', () => {
  const { runnerUnit, userData } = stackWith({}, { container });
  expect(userData).toContain(`retry docker pull -q ${container}`);
  expect(userData).not.toContain('pip install');
  expect(optionOf(runnerUnit, '--engine')).toBe('container');
  expect(optionOf(runnerUnit, '--engine-image')).toBe(container);
  expect(optionOf(runnerUnit, '--container-program')).toBe('/usr/bin/docker');
  expect(runnerUnit).toContain('\nSupplementaryGroups=docker\n');
  expect(stackWith({}).runnerUnit).not.toContain('SupplementaryGroups');
});

test('an engine in a container has its weights copied as well', () => {
  const { runnerUnit } = stackWith({ from: 's3', uri }, { container });
  expect(optionOf(runnerUnit, '--container-program')).toBe('/opt/fleet/with-weights.sh');
  expect(runnerUnit).toContain('\nEnvironment=FLEET_ENGINE_PROGRAM=/usr/bin/docker\n');
});

test('what lies on an instance store is gone after a stop: machines of a warm pool keep their weights on the volume', () => {
  const storage = (stack: ReturnType<typeof workerStack>) => stack.files['/etc/systemd/system/fleet-storage.service'];
  const place = /^ExecStart=\/opt\/fleet\/prepare-weights-folder\.sh \/var\/lib\/fleet\/weights fleet (\S+)$/m;
  expect(place.exec(storage(stackWith({}))!)?.[1]).toBe('instance-store');
  const pool = workerStack({ warmPool: { size: 1, reuseOnScaleIn: true } });
  expect(place.exec(storage(pool)!)?.[1]).toBe('root-volume');
});
