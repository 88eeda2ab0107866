import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { synthesize } from '../../support/assembly/synthesize.ts';
import { repositoryRoot } from '../../support/fleet-templates.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

/** What the app reads; a clone has more, which must not matter. */
const sources = 'bin lib runtime models fleets ui cdk.json package.json package-lock.json tsconfig.json'.split(' ');
const config = 'fleets/production.yaml';

function clone(folder: string): string {
  mkdirSync(folder, { recursive: true });
  const present = readdirSync(repositoryRoot).filter((name) => sources.includes(name));
  for (const name of present) cpSync(path.join(repositoryRoot, name), path.join(folder, name), { recursive: true });
  symlinkSync(path.join(repositoryRoot, 'node_modules'), path.join(folder, 'node_modules'));
  return folder;
}

/** Digestible contents of a folder by path. */
function contentsOf(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files
      .map((entry) => path.join(entry.parentPath, entry.name))
      .sort()
      .map((file) => [path.relative(folder, file), readFileSync(file, 'base64')]),
  );
}

test('two clones in different folders, on machines that differ, give the same assembly byte for byte', async () => {
  await using folder = await temporaryDirectory();
  const one = clone(path.join(folder.path, 'one'));
  const two = clone(path.join(folder.path, 'another place/with a deeper path/two'));
  const outputs = [path.join(folder.path, 'out-one'), path.join(folder.path, 'out-two')] as const;
  await Promise.all([
    synthesize({ config, root: one, output: outputs[0], env: { TZ: 'UTC', LANG: 'C', AWS_REGION: 'us-east-1' } }),
    synthesize({
      config,
      root: two,
      output: outputs[1],
      // Whoever deploys from here has other settings, and a day in which another date has begun.
      env: {
        TZ: 'Pacific/Kiritimati',
        LANG: 'tr_TR.UTF-8',
        HOME: '/nonexistent',
        USER: 'other',
        AWS_REGION: 'eu-west-1',
      },
    }),
  ]);
  const [first, second] = outputs.map(contentsOf) as [Record<string, string>, Record<string, string>];
  expect(Object.keys(second)).toEqual(Object.keys(first));
  const different = Object.keys(first).filter((file) => first[file] !== second[file]);
  expect(different).toEqual([]);
  expect(Object.keys(first).filter((file) => file.endsWith('.template.json')).length).toBeGreaterThan(3);
}, 180_000);
