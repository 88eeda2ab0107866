import { rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { sha256Of } from '../../../runtime/router/keys/api-key.ts';
import { parseKeyList } from '../../../runtime/router/keys/key-list.ts';
import { type KeyRingOptions, openKeyRing, parseSecret } from '../../../runtime/router/keys/open-key-ring.ts';
import { createLogger } from '../../../runtime/shared/log.ts';
import { eventually } from '../../support/eventually.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

let logged: string[];
let stop: AbortController;
beforeEach(() => {
  logged = [];
  stop = new AbortController();
});
afterEach(() => stop.abort());

const open = (options: Partial<KeyRingOptions>) =>
  openKeyRing({
    file: undefined,
    list: parseKeyList(''),
    loadSecret: () => Promise.reject(new Error('no secret expected')),
    log: createLogger({ service: 'test', write: (line) => void logged.push(line) }),
    signal: stop.signal,
    fileIntervalMs: 5,
    secretIntervalMs: 5,
    ...options,
  });
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

test('without a source the ring is open', async () => {
  expect((await open({})).isOpen).toBe(true);
});

test('keys of file, list and secret work side by side', async () => {
  await using folder = await temporaryDirectory();
  const file = path.join(folder.path, 'keys.yaml');
  await writeFile(file, '- {id: a, key: sk-a}');
  const loadSecret = async (secretId: string) => `from-${secretId}:sk-c`;
  const ring = await open({ file, list: parseKeyList('b:sk-b,aws-secretsmanager:keys'), loadSecret });
  for (const [key, keyId] of Object.entries({ 'sk-a': 'a', 'sk-b': 'b', 'sk-c': 'from-keys' })) {
    expect(ring.authorize(bearer(key), 'inference')).toMatchObject({ keyId });
  }
});

test('a file that changes is read again; a bad or missing one leaves the former keys and says so', async () => {
  await using folder = await temporaryDirectory();
  const file = path.join(folder.path, 'keys.yaml');
  const put = async (text: string) => {
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
  };
  await put('- {id: a, key: s3cr3t-1}');
  const ring = await open({ file });
  await put('- {id: a, key: s3cr3t-2}');
  await eventually(() => expect(ring.authorize(bearer('s3cr3t-2'), 'inference')).toMatchObject({ keyId: 'a' }));
  expect(ring.authorize(bearer('s3cr3t-1'), 'inference')).toMatchObject({ code: 'UNAUTHORIZED' });

  await put('- {id: a, key: "s3cr3t-3}');
  await eventually(() => expect(logged.join()).toContain('not valid YAML'));
  await rm(file);
  await eventually(() => expect(logged.join()).toContain('ENOENT'));
  expect(ring.authorize(bearer('s3cr3t-2'), 'inference')).toMatchObject({ keyId: 'a' });

  await put('- {id: b, key: s3cr3t-4}');
  await eventually(() => expect(ring.authorize(bearer('s3cr3t-4'), 'inference')).toMatchObject({ keyId: 'b' }));
  expect(logged.join()).not.toContain('s3cr3t');
});

test('a secret that is rotated takes over; one that cannot be read leaves the former keys', async () => {
  let text: string | undefined = 'a:sk-1';
  const loadSecret = async () => {
    if (text === undefined) throw new Error('AccessDenied');
    return text;
  };
  const ring = await open({ list: parseKeyList('aws-secretsmanager:keys'), loadSecret });
  text = '[{"id":"a","key":"sk-2"}]';
  await eventually(() => expect(ring.authorize(bearer('sk-2'), 'inference')).toMatchObject({ keyId: 'a' }));
  text = undefined;
  await eventually(() => expect(logged.join()).toContain('AccessDenied'));
  expect(ring.authorize(bearer('sk-2'), 'inference')).toMatchObject({ keyId: 'a' });
});

test.each([
  ['a list with mistakes', { list: parseKeyList('a:') }, 'FLEET_API_KEYS has 1 mistake'],
  ['a list that gives an id twice', { list: parseKeyList('a:x,a:y') }, 'the id "a" is given twice'],
  ['a file that is not there', { file: '/does/not/exist.yaml' }, 'ENOENT'],
  ['a secret that cannot be read', { list: parseKeyList('aws-secretsmanager:x') }, 'no secret expected'],
])('%s ends the start', async (_, options, message) => {
  await expect(open(options)).rejects.toThrow(message);
});

test.each([
  ['', 'it holds no key'],
  ['aws-secretsmanager:other', 'a secret cannot name another secret'],
  ['a:', 'item 1: there is no key behind the id'],
  ['{"key":"s3cr3t"}', '[0].id'],
  ['{"id":"a","key":"s3cr3t"', 'not valid YAML'],
])('a secret that holds %j is a mistake', (text, mistake) => {
  expect(() => parseSecret('keys', text)).toThrow(mistake);
});

test('a secret may hold one key alone, as AWS makes it', () => {
  const [entry, ...others] = parseSecret('keys', '{"id":"first","scopes":["inference","admin"],"key":"sk-1"}');
  expect(entry).toMatchObject({ keyId: 'first', scopes: ['inference', 'admin'], sha256: sha256Of('sk-1') });
  expect(others).toEqual([]);
});
