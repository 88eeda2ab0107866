// The whole check: types, lint, format, then every Jest suite. Ends with one line that says how many tests passed.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const scratch = mkdtempSync(path.join(tmpdir(), 'fleet-test-'));
const report = path.join(scratch, 'jest.json');

/** Runs one step with the terminal attached; exits with its status when it fails. */
function step(name, command, args) {
  console.log(`\n== ${name}`);
  // On a machine of EC2 a daemon under test would take that machine for its own; tests that want metadata start some.
  const env = { ...process.env, AWS_EC2_METADATA_DISABLED: 'true' };
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', env });
  if (error) console.error(error.message);
  return status ?? 1;
}

function finish(status) {
  rmSync(scratch, { recursive: true, force: true });
  process.exit(status);
}

for (const [name, command, args] of [
  ['types', 'tsc', []],
  ['lint and format', 'biome', ['check', '.']],
]) {
  const status = step(name, command, args);
  if (status !== 0) finish(status);
}
const status = step('tests', 'node', [
  '--experimental-vm-modules',
  '--no-warnings',
  'node_modules/jest/bin/jest.js',
  '--json',
  `--outputFile=${report}`,
  ...process.argv.slice(2),
]);
const { numPassedTests, numFailedTests, numFailedTestSuites } = JSON.parse(readFileSync(report, 'utf8'));
// A suite that cannot even load fails no test by itself; it must not look like a pass.
console.log(`\n${numPassedTests} passed, ${Math.max(numFailedTests, numFailedTestSuites)} failed`);
finish(status);
