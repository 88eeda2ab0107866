import { type KeyEntry, sha256Of } from '../../../runtime/router/keys/api-key.ts';
import { KeyRing } from '../../../runtime/router/keys/key-ring.ts';
import { keyHeaders } from '../../../runtime/router/keys/presented-key.ts';

const entry = (keyId: string, key: string, over: Partial<KeyEntry> = {}): KeyEntry => ({
  keyId,
  sha256: sha256Of(key),
  scopes: ['inference'],
  limits: {},
  ...over,
});

let ring: KeyRing;
beforeEach(() => {
  ring = new KeyRing();
});

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

test('without keys everybody may do everything', () => {
  expect(ring.authorize({}, 'admin')).toMatchObject({ keyId: 'anyone', limits: {} });
});

test('a source without keys lets nobody in', () => {
  ring.replace('file', []);
  expect(ring.authorize(bearer('k'), 'inference')).toMatchObject({ code: 'UNAUTHORIZED', status: 401 });
});

test('OpenAI and Anthropic clients are known by their own headers', () => {
  const limits = { requestsPerMinute: 5 };
  ring.replace('file', [entry('a', 'sk-a', { limits })]);
  expect(ring.authorize(bearer('sk-a'), 'inference')).toMatchObject({ keyId: 'a', limits });
  expect(ring.authorize({ 'x-api-key': 'sk-a' }, 'inference')).toMatchObject({ keyId: 'a' });
  expect(ring.authorize({ authorization: 'Basic abc', 'x-api-key': 'sk-a' }, 'inference')).toMatchObject({
    keyId: 'a',
  });
});

test.each([
  ['no header', {}],
  ['a wrong key', bearer('sk-b')],
  ['a prefix of a key', bearer('sk-')],
  ['an empty key', { 'x-api-key': '' }],
  ['the digest itself', bearer(sha256Of('sk-a'))],
  ['a wrong bearer beside a right x-api-key', { ...bearer('sk-b'), 'x-api-key': 'sk-a' }],
])('%s is refused', (_, headers) => {
  ring.replace('file', [entry('a', 'sk-a')]);
  expect(ring.authorize(headers, 'inference')).toMatchObject({ code: 'UNAUTHORIZED' });
});

test('a key without the scope is told so by its name', () => {
  ring.replace('file', [entry('a', 'sk-a'), entry('ops', 'sk-ops', { scopes: ['admin'] })]);
  expect(ring.authorize(bearer('sk-a'), 'admin')).toMatchObject({ code: 'FORBIDDEN', status: 403 });
  expect(ring.authorize(bearer('sk-ops'), 'admin')).toMatchObject({ keyId: 'ops' });
  expect(ring.authorize(bearer('sk-ops'), 'inference')).toMatchObject({
    message: 'The API key "ops" lacks the scope "inference" that this route needs.',
  });
});

test('a source that is replaced takes its old keys along; a conflict changes nothing', () => {
  ring.replace('file', [entry('a', 'sk-1')]);
  ring.replace('env', [entry('b', 'sk-b')]);
  ring.replace('file', [entry('a', 'sk-2')]);
  expect(ring.authorize(bearer('sk-1'), 'inference')).toMatchObject({ code: 'UNAUTHORIZED' });
  expect(() => ring.replace('file', [entry('b', 'sk-3'), entry('c', 'sk-b')])).toThrow(
    'file has 2 mistakes:\n  the id "b" is given twice\n  "b" has the key of "c"',
  );
  expect(ring.authorize(bearer('sk-2'), 'inference')).toMatchObject({ keyId: 'a' });
  expect(ring.size).toBe(2);
});

test('the headers that carry keys are the ones that are read', () => {
  expect([...keyHeaders]).toEqual(['authorization', 'x-api-key']);
});
