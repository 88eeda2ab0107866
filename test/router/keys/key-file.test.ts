import { sha256Of } from '../../../runtime/router/keys/api-key.ts';
import { parseKeyFile } from '../../../runtime/router/keys/key-file.ts';
import type { KeyMistakes } from '../../../runtime/router/keys/key-mistakes.ts';

const mistakesOf = (text: string): readonly string[] => {
  try {
    parseKeyFile('keys.yaml', text);
  } catch (error) {
    return (error as KeyMistakes).mistakes;
  }
  return [];
};

test('a file lists keys in clear or by digest, with scopes and limits', () => {
  const entries = parseKeyFile(
    'keys.yaml',
    `
- id: team-a
  key: sk-a
  limits: { concurrentRequests: 8, requestsPerMinute: 600, uncachedTokensPerMinute: 2e6 }
- id: ops@example.com
  sha256: ${sha256Of('sk-ops').toUpperCase()}
  scopes: [admin]
`,
  );
  expect(entries).toEqual([
    {
      keyId: 'team-a',
      sha256: sha256Of('sk-a'),
      scopes: ['inference'],
      limits: { concurrentRequests: 8, requestsPerMinute: 600, uncachedTokensPerMinute: 2_000_000 },
    },
    { keyId: 'ops@example.com', sha256: sha256Of('sk-ops'), scopes: ['admin'], limits: {} },
  ]);
});

test('JSON is read as well', () => {
  expect(parseKeyFile('keys.json', '[{"id":"a","key":"k"}]')).toHaveLength(1);
});

test('all mistakes are told at once, with line and field, and no value of the file', () => {
  const text = `- id: a
  key: s3cr3t-1
  scope: [s3cr3t-2]
- id: a
  key: s3cr3t-1
  limits:
    concurrentRequests: 0
    requestsPerMinute: s3cr3t-3
- key: 12345678
  scopes: [root]
- id: b
  sha256: s3cr3t-4
- id: c
`;
  const mistakes = mistakesOf(text);
  expect(mistakes).toEqual([
    'line 3, [0].scope: there is no such field',
    expect.stringMatching(/^line 7, \[1\]\.limits\.concurrentRequests: /),
    'line 8, [1].limits.requestsPerMinute: expected a number above 0',
    expect.stringMatching(/^\[2\]\.id: /),
    'line 9, [2].key: expected text; put quotes around digits',
    expect.stringMatching(/^line 10, \[2\]\.scopes\[0\]: /),
    'line 12, [3].sha256: expected 64 hexadecimal digits',
    'line 4, [1].id: the id of [0] as well',
    'line 4, [1]: the key of [0] as well',
    'line 13, [4]: give either key or sha256',
  ]);
  expect(mistakes.join()).not.toMatch(/s3cr3t|12345678/);
});

test.each([
  ['a file that is no list', 'keys: []', 'line 1: expected a list of keys'],
  ['an empty list', '[]', 'line 1: expected at least one key'],
  ['an empty file', '', 'the file: expected a list of keys'],
  ['broken YAML', '- id: a\n  key: "s3cr3t', 'line 2: not valid YAML (MISSING_CHAR)'],
  ['an alias without anchor', '- *s3cr3t', 'an alias (*name) does not resolve'],
])('%s is a mistake', (_, text, mistake) => {
  expect(mistakesOf(text)).toEqual([mistake]);
});
