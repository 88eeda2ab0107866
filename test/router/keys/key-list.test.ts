import fc from 'fast-check';
import { sha256Of } from '../../../runtime/router/keys/api-key.ts';
import { parseKeyList } from '../../../runtime/router/keys/key-list.ts';

test('a list holds named keys, bare keys and references to secrets', () => {
  const arn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:fleet/keys-AbCdEf';
  const list = parseKeyList(` team-a:sk-a:b , sk-bare,,aws-secretsmanager:${arn},admin:root `);
  expect(list.mistakes).toEqual([]);
  expect(list.secretIds).toEqual([arn]);
  expect(list.entries).toEqual([
    { keyId: 'team-a', sha256: sha256Of('sk-a:b'), scopes: ['inference'], limits: {} },
    {
      keyId: `key-${sha256Of('sk-bare').slice(0, 12)}`,
      sha256: sha256Of('sk-bare'),
      scopes: ['inference'],
      limits: {},
    },
    { keyId: 'admin', sha256: sha256Of('root'), scopes: ['inference', 'admin'], limits: {} },
  ]);
});

test('an empty list is none', () => {
  expect(parseKeyList(' , ')).toEqual({ entries: [], secretIds: [], mistakes: [] });
});

test('every mistake is named by its place', () => {
  const { mistakes } = parseKeyList('ok:key,no-key:,a b:c,id:two words,aws-secretsmanager:');
  expect(mistakes).toHaveLength(4);
  expect(mistakes.slice(0, 3).map((mistake) => mistake.slice(0, 6))).toEqual(['item 2', 'item 3', 'item 4']);
});

test('neither the keys nor their mistakes hold what was given', () => {
  const secret = fc.string({ minLength: 8, maxLength: 30 }).map((text) => `s3cr3t${text.replaceAll(',', '')}`);
  fc.assert(
    fc.property(fc.array(secret, { minLength: 1 }), (keys) => {
      expect(JSON.stringify(parseKeyList(keys.map((key) => `id:${key}`).join(',')))).not.toContain('s3cr3t');
    }),
  );
});
