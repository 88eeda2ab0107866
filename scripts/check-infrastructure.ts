// Synthesises every fleet of fleets/ with the real CDK command line and lets the tools of the trade judge the outcome:
// cfn-lint the templates, systemd-analyze the units, shellcheck the boot scripts and what they fetch.
// `scripts/install-infrastructure-tools.sh` brings the tools. A tool that is missing is a failure.
import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { fleetNames } from '../test/support/assembly/every-fleet.ts';
import { readAssembly } from '../test/support/assembly/read-assembly.ts';
import { machinesOf, type ShippedMachine } from '../test/support/assembly/shipped-machine.ts';

const root = path.dirname(import.meta.dirname);
const work = path.join(root, '.cache/infrastructure');
const tools = path.join(root, '.cache/infrastructure-tools/bin');
// Any will do: what depends on them is not looked at.
const place = { region: 'us-east-1', account: '123456789012' };
const execute = promisify(execFile);

rmSync(work, { recursive: true, force: true });
mkdirSync(work, { recursive: true });
const machines: ShippedMachine[] = [];
// Two at a time, for the cores of a small machine.
for (let first = 0; first < fleetNames.length; first += 2) {
  await Promise.all(fleetNames.slice(first, first + 2).map(synthesise));
}

const templates = fleetNames.map((fleet) => path.join(work, fleet, '*.template.json'));
// W3010: zones are named by the fleet file, so that nobody has to be asked about them at synthesis.
const lint = ['--ignore-checks', 'W3010', '--format', 'parseable', '--', ...templates];
await check(`cfn-lint over the templates of ${fleetNames.length} fleets`, path.join(tools, 'cfn-lint'), lint);

// Machine by machine: of units with one name systemd would look at the first.
for (const machine of machines) {
  // Drop-ins lie beside their unit, where systemd finds them itself.
  const units = write('units', unitsOf(machine)).filter((file) => file.endsWith('.service'));
  const names = units.map((unit) => path.basename(unit)).join(' ');
  await check(`systemd-analyze verify ${machine.stack}: ${names}`, 'systemd-analyze', ['verify', '--man=no', ...units]);
}

const scripts = write('scripts', machines.flatMap(scriptsOf));
await check(`shellcheck ${scripts.length} scripts`, path.join(tools, 'shellcheck'), scripts);
console.log('The infrastructure is in order.');

async function synthesise(fleet: string): Promise<void> {
  const output = path.join(work, fleet);
  const words = ['synth', '--quiet', '--no-notices', '-c', `config=fleets/${fleet}.yaml`, '--output', output];
  await check(`cdk ${words.slice(0, 5).join(' ')}`, path.join(root, 'node_modules/.bin/cdk'), words);
  machines.push(...readAssembly(output).flatMap((stack) => machinesOf(stack, place)));
}

/** Units as they are shipped, save for their programs, which are on another machine. */
function unitsOf({ stack, units }: ShippedMachine): [string, string][] {
  return [...units].map(([name, text]) => {
    const here = text.replaceAll(/^(Exec\w+=)\S+/gm, '$1/bin/true');
    return [`${stack}/${name}`, here];
  });
}

function scriptsOf({ stack, userData, files }: ShippedMachine): [string, string][] {
  const shipped = files.filter(({ path: file }) => file.endsWith('.sh'));
  return [
    [`${stack}/user-data.sh`, userData],
    ...shipped.map(({ path: file, bytes }): [string, string] => [`${stack}/${path.basename(file)}`, bytes.toString()]),
  ];
}

/** Writes each file once, though several machines may ship it. @returns their paths */
function write(folder: string, files: readonly [string, string][]): string[] {
  return files.map(([name, text]) => {
    const file = path.join(work, folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  });
}

/** Runs a tool that says nothing when all is well. Ends this process with what it said when it says something. */
async function check(what: string, program: string, args: readonly string[]): Promise<void> {
  const startedAt = performance.now();
  try {
    const { stdout, stderr } = await execute(program, args, { cwd: root, maxBuffer: 1 << 26 });
    if (!what.startsWith('cdk') && (stdout + stderr).trim() !== '')
      throw Object.assign(new Error(what), { stdout, stderr });
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as Error & { stdout?: string; stderr?: string };
    console.error(`FAILED: ${what}\n${stdout}${stderr}${stdout + stderr === '' ? message : ''}`);
    process.exit(1);
  }
  console.log(`ok: ${what} (${Math.round((performance.now() - startedAt) / 100) / 10} s)`);
}
