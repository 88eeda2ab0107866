import { readFileSync } from 'node:fs';
import { version } from '../../runtime/shared/version.ts';

test('the version in the code is that of the package', () => {
  expect(version).toBe((JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }).version);
});
