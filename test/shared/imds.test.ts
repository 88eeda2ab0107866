import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { InstanceMetadata, metadataEndpoint, readRegion } from '../../runtime/shared/imds.ts';
import { MetadataToken } from '../../runtime/shared/imds-token.ts';
import { FakeInstanceMetadata, type MetadataFault } from '../support/cloud/instance-metadata.ts';
import { unusedUrl } from '../support/scripted-openai-server.ts';

const root = path.resolve(import.meta.dirname, '../..');
const items = { 'instance-id': 'i-0abc', 'placement/region': 'eu-central-1' };

test('an item is read with a session token', async () => {
  await using service = await FakeInstanceMetadata.start(items);
  expect((await new InstanceMetadata(service).read('instance-id'))?.text).toBe('i-0abc');
  expect(await readRegion({ endpoint: service.endpoint })).toBe('eu-central-1');
});

test('an item that the instance does not have is undefined', async () => {
  await using service = await FakeInstanceMetadata.start(items);
  const metadata = new InstanceMetadata(service);
  expect(await metadata.read('spot/instance-action')).toBeUndefined();
  expect((await metadata.read('instance-id'))?.text).toBe('i-0abc');
});

test('a region that cannot be one is none', async () => {
  await using service = await FakeInstanceMetadata.start({ 'placement/region': '<html>sign in</html>' });
  expect(await readRegion({ endpoint: service.endpoint })).toBeUndefined();
});

describe('the session token', () => {
  test('serves all reads of its life, also those that begin together', async () => {
    await using service = await FakeInstanceMetadata.start(items);
    const metadata = new InstanceMetadata(service);
    await Promise.all(Array.from({ length: 20 }, () => metadata.read('instance-id')));
    for (let i = 0; i < 20; i++) await metadata.read('instance-id');
    expect(service.callsOf('instance-id')).toHaveLength(40);
    expect(service.tokenRequests).toBe(1);
  });

  test('is renewed before it expires, so that no read is refused', async () => {
    await using service = await FakeInstanceMetadata.start(items);
    let nowMs = 0;
    const metadata = new InstanceMetadata({ endpoint: service.endpoint, tokenTtlSeconds: 100, now: () => nowMs });
    await metadata.read('instance-id');
    nowMs = 89_000;
    await metadata.read('instance-id');
    expect(service.tokenRequests).toBe(1);
    nowMs = 91_000;
    await metadata.read('instance-id');
    expect(service.tokenRequests).toBe(2);
    expect(service.calls.filter(({ status }) => status === 401)).toEqual([]);
  });

  test('lives as long as the service says, when that is shorter', async () => {
    await using service = await FakeInstanceMetadata.start(items);
    service.longestTtlSeconds = 10;
    let nowMs = 0;
    const metadata = new InstanceMetadata({ endpoint: service.endpoint, tokenTtlSeconds: 100, now: () => nowMs });
    await metadata.read('instance-id');
    nowMs = 9_500;
    await metadata.read('instance-id');
    expect(service.tokenRequests).toBe(2);
  });

  test('is fetched again, once for all readers, when the service no longer takes it', async () => {
    await using service = await FakeInstanceMetadata.start(items);
    const metadata = new InstanceMetadata(service);
    await metadata.read('instance-id');
    service.revokeTokens();
    const read = await Promise.all(Array.from({ length: 10 }, () => metadata.read('instance-id')));
    expect(read.map((item) => item?.text)).toEqual(Array.from({ length: 10 }, () => 'i-0abc'));
    expect(service.tokenRequests).toBe(2);
  });

  test('outlives a late refusal of the one before it', async () => {
    await using service = await FakeInstanceMetadata.start(items);
    const { endpoint } = service;
    const token = new MetadataToken({ endpoint, timeoutMs: 1_000, ttlSeconds: 60, now: () => performance.now() });
    const first = await token.get();
    token.drop(first);
    const second = await token.get();
    token.drop(first);
    expect(await token.get()).toBe(second);
    expect(service.tokenRequests).toBe(2);
  });

  test('that is refused when it is new is an error, not a loop', async () => {
    await using service = await FakeInstanceMetadata.start(items);
    service.longestTtlSeconds = 0;
    await expect(new InstanceMetadata(service).read('instance-id')).rejects.toThrow('answered 401 for instance-id');
    expect(service.tokenRequests).toBe(2);
  });

  test('is in no error', async () => {
    await using service = await FakeInstanceMetadata.start(items);
    const metadata = new InstanceMetadata({ endpoint: service.endpoint, timeoutMs: 50, attempts: 1 });
    await metadata.read('instance-id');
    const [token] = service.tokens;
    for (const fault of ['silent', 'reset', 'half', 'error-500', 'flood'] as const) {
      service.faults.set('instance-id', fault);
      const error = (await metadata.read('instance-id').catch((e: unknown) => e)) as Error;
      expect(error).toHaveProperty('message');
      expect(`${error.message} ${error.stack} ${JSON.stringify(error)}`).not.toContain(token);
    }
  });

  test('goes to no proxy', async () => {
    await using service = await FakeInstanceMetadata.start(items);
    const program = `import { readRegion } from './runtime/shared/imds.ts'; console.log(await readRegion());`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
      cwd: root,
      env: {
        PATH: process.env['PATH'],
        AWS_EC2_METADATA_SERVICE_ENDPOINT: service.endpoint,
        NODE_USE_ENV_PROXY: '1',
        HTTP_PROXY: await unusedUrl(),
      },
    });
    expect(stdout.trim()).toBe('eu-central-1');
  });
});

describe('off AWS', () => {
  test('nothing listens: undefined', async () => {
    expect(await new InstanceMetadata({ endpoint: await unusedUrl() }).read('instance-id')).toBeUndefined();
  });

  test('nothing answers: undefined after one time-out, and at once from then on', async () => {
    await using service = await FakeInstanceMetadata.start(items);
    service.faults.set('', 'silent');
    const metadata = new InstanceMetadata({ endpoint: service.endpoint, timeoutMs: 100 });
    for (let i = 0; i < 3; i++) expect(await metadata.read('instance-id')).toBeUndefined();
    expect(service.calls).toHaveLength(1);
  });

  test.each(['garbage', 'flood'] as const)('something else answers with %s: undefined', async (fault) => {
    await using service = await FakeInstanceMetadata.start(items);
    service.faults.set('', fault);
    expect(await new InstanceMetadata(service).read('instance-id')).toBeUndefined();
    expect(service.calls).toHaveLength(1);
  });

  test('a service that was switched off is looked for again when told', async () => {
    await using service = await FakeInstanceMetadata.start(items);
    service.isSwitchedOff = true;
    const metadata = new InstanceMetadata(service);
    expect(await metadata.read('instance-id')).toBeUndefined();
    service.isSwitchedOff = false;
    expect(await metadata.read('instance-id')).toBeUndefined();
    metadata.recheck();
    expect((await metadata.read('instance-id'))?.text).toBe('i-0abc');
  });
});

describe('a service that is there and fails', () => {
  const faults: MetadataFault[] = ['silent', 'reset', 'half', 'error-500', 'throttled'];

  test.each(faults)('%s once: the item is read all the same', async (fault) => {
    await using service = await FakeInstanceMetadata.start(items);
    const metadata = new InstanceMetadata({ endpoint: service.endpoint, timeoutMs: 200 });
    await metadata.read('placement/region');
    service.failNext('instance-id', fault);
    expect((await metadata.read('instance-id'))?.text).toBe('i-0abc');
    expect(service.callsOf('instance-id')).toHaveLength(2);
  });

  test.each(faults)('%s for good: an error after three attempts, and no absence', async (fault) => {
    await using service = await FakeInstanceMetadata.start(items);
    const metadata = new InstanceMetadata({ endpoint: service.endpoint, timeoutMs: 50 });
    await metadata.read('placement/region');
    service.faults.set('', fault);
    await expect(metadata.read('instance-id')).rejects.toThrow();
    expect(service.callsOf('instance-id')).toHaveLength(3);
    service.faults.clear();
    expect((await metadata.read('instance-id'))?.text).toBe('i-0abc');
  });

  test.each(['error-500', 'throttled'] as const)('%s at the very first token is no absence', async (fault) => {
    await using service = await FakeInstanceMetadata.start(items);
    service.failNext('api/token', fault, fault);
    expect((await new InstanceMetadata(service).read('instance-id'))?.text).toBe('i-0abc');
  });

  test('an endless answer is not read to its end, nor asked for again', async () => {
    await using service = await FakeInstanceMetadata.start(items);
    service.faults.set('instance-id', 'flood');
    await expect(new InstanceMetadata(service).read('instance-id')).rejects.toThrow('longer than 65536 bytes');
    expect(service.callsOf('instance-id')).toHaveLength(1);
  });

  test('an abort ends one wait, and another reader still gets the token that both waited for', async () => {
    await using service = await FakeInstanceMetadata.start(items);
    const metadata = new InstanceMetadata(service);
    const aborted = metadata.read('instance-id', AbortSignal.abort(new Error('enough')));
    const leaving = new AbortController();
    const left = metadata.read('instance-id', leaving.signal);
    const stayed = metadata.read('instance-id');
    leaving.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    await expect(left).rejects.toThrow('enough');
    expect((await stayed)?.text).toBe('i-0abc');
    expect(service.tokenRequests).toBe(1);
  });
});

test('the environment names the service as for the AWS SDKs', () => {
  expect(metadataEndpoint({})).toBe('http://169.254.169.254');
  expect(metadataEndpoint({ AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE: 'IPv6' })).toBe('http://[fd00:ec2::254]');
  expect(metadataEndpoint({ AWS_EC2_METADATA_SERVICE_ENDPOINT: 'http://127.0.0.1:1338/' })).toBe(
    'http://127.0.0.1:1338',
  );
  expect(metadataEndpoint({ AWS_EC2_METADATA_DISABLED: 'true' })).toBeUndefined();
  expect(metadataEndpoint({ AWS_EC2_METADATA_DISABLED: 'false' })).toBe('http://169.254.169.254');
});
