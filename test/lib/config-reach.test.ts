import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import type { Daemon } from '../../lib/bundle-daemon.ts';
import { repositoryRoot } from '../support/fleet-templates.ts';

// lib/ knows runtime/'s schemas and constants; runtime/ knows nothing of lib/, but for the command that checks fleet files.

const runtime = path.join(repositoryRoot, 'runtime');

test('one file of runtime reaches lib, and only when its command runs', () => {
  const sources = readdirSync(runtime, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const importing = sources.filter((file) =>
    /^import (?!type).*\/lib\/|import\(.*\/lib\//m.test(readFileSync(path.join(runtime, file), 'utf8')),
  );
  expect(importing).toEqual(['cli/config-command.ts']);
  expect(readFileSync(path.join(runtime, 'cli/config-command.ts'), 'utf8')).not.toMatch(/^import (?!type).*\/lib\//m);
});

test.each<Daemon>(['router', 'runner', 'log-monitor'])('the bundle of the %s has nothing of lib', async (daemon) => {
  const { metafile } = await build({
    absWorkingDir: repositoryRoot,
    entryPoints: [`runtime/${daemon}/main.ts`],
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['pg-native'],
    metafile: true,
    write: false,
  });
  expect(Object.keys(metafile.inputs)).toContain(`runtime/${daemon}/main.ts`);
  expect(Object.keys(metafile.inputs).filter((file) => file.startsWith('lib/'))).toEqual([]);
});
