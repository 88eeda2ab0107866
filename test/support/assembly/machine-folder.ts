import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { CloudInstance } from '../cloud/story.ts';
import { repositoryRoot } from '../fleet-templates.ts';
import { StartedProcess } from '../process.ts';
import type { ShippedMachine } from './shipped-machine.ts';
import { parseUnit } from './unit-text.ts';

/** Programs that boot scripts take from the image and that do no harm here. */
const realPrograms =
  'bash sh env cat chmod cp dirname basename echo grep head ln mkdir mv rm sed sleep tail tee touch tr';
/** Programs of which only the call matters; what they would change is the test machine itself. */
const silentPrograms =
  'amazon-cloudwatch-agent-ctl chown dnf docker lsblk mdadm mkfs.xfs mount systemctl udevadm useradd';
/** Programs that say something, see machine-tools.mjs. */
const spokenPrograms = 'aws curl python3.12 sha256sum';
/** Files of a machine, which are below its folder here. */
const machineFiles =
  '(?<=^|[\\s"\'=:,>(-])/(opt|var|etc|dev/disk|dev/md|usr/bin/node-24|usr/local/cuda)(?=[/\\s"\'):,}]|$)';

export interface MachinePlace {
  /** Folder of the machine's file system. */
  readonly root: string;
  readonly instance: CloudInstance;
  /** The loopback address that the machine has for itself. */
  readonly address: string;
  /** Added to the environment of its daemons. */
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * A machine of the fleet as a folder: its boot script runs as it is shipped, and its units start by their own ExecStart, with
 * absolute paths below the folder. Only programs that are named here can be called: a boot script belongs to another machine.
 */
export class MachineFolder implements AsyncDisposable {
  readonly #machine: ShippedMachine;
  readonly #place: MachinePlace;
  readonly #programs: string;
  readonly #daemons: StartedProcess[] = [];

  constructor(machine: ShippedMachine, place: MachinePlace) {
    this.#machine = machine;
    this.#place = place;
    this.#programs = path.join(place.root, 'programs');
    this.#installPrograms();
  }

  get instance(): CloudInstance {
    return this.#place.instance;
  }

  /** Programs that were called with their arguments, in order. */
  get calls(): string[] {
    return readFileSync(this.#callsFile, 'utf8').split('\n').slice(0, -1);
  }

  /** Runs the boot script. @throws with its output when it fails */
  async boot(): Promise<void> {
    const script = path.join(this.#place.root, 'user-data.sh');
    writeFileSync(script, this.#map(this.#machine.userData));
    await using run = this.#start(['bash', script], {});
    const { code } = await run.waitForExit(120_000);
    if (code !== 0) throw new Error(`The boot script of ${this.#machine.stack} ended with ${code}:\n${run.output}`);
  }

  /** Starts the units that the boot script enabled, in its order. A one-shot unit has ended when the next one starts. */
  async startUnits(): Promise<void> {
    const enable = this.calls.find((call) => call.startsWith('systemctl enable --now '));
    if (enable === undefined) throw new Error(`${this.#machine.stack} enables no unit.`);
    for (const name of enable.split(' ').slice(3)) {
      const file = this.file(`/etc/systemd/system/${name.replace(/\.service$/, '')}.service`);
      const unit = parseUnit(readFileSync(file, 'utf8'));
      const daemon = this.#start(unit.command, unit.environment);
      if (!unit.isOneshot) {
        this.#daemons.push(daemon);
        continue;
      }
      await using run = daemon;
      const { code } = await run.waitForExit(60_000);
      if (code !== 0) throw new Error(`${name} ended with ${code}:\n${run.output}`);
    }
  }

  /** Where a file of the machine is. */
  file(machinePath: string): string {
    return path.join(this.#place.root, machinePath);
  }

  /** A daemon that ended by itself: on a machine systemd would start it again, for ever. */
  get hasFailed(): boolean {
    return this.#daemons.some(({ hasEnded }) => hasEnded);
  }

  /** What the daemons printed, for the message of a failure. */
  get output(): string {
    return this.#daemons.map(({ output }) => output).join('\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const daemon of this.#daemons.toReversed()) await daemon[Symbol.asyncDispose]();
  }

  get #callsFile(): string {
    return path.join(this.#place.root, 'calls.log');
  }

  /** Paths below the folder, the machine's own address for all addresses, its metadata where they are here. */
  get #mapping(): [pattern: string, replacement: string][] {
    const metadata = this.#place.instance.environment['AWS_EC2_METADATA_SERVICE_ENDPOINT']!;
    return [
      [machineFiles, `${this.#place.root}$&`],
      ['http://169\\.254\\.169\\.254', metadata.replace(/\/$/, '').replace('127.0.0.1', 'localhost')],
      ['\\b(?:0\\.0\\.0\\.0|127\\.0\\.0\\.1)\\b', this.#place.address],
    ];
  }

  #map(text: string): string {
    return this.#mapping.reduce((soFar, [from, to]) => soFar.replaceAll(new RegExp(from, 'gm'), to), text);
  }

  #start(command: readonly string[], environment: Readonly<Record<string, string>>): StartedProcess {
    const own = Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, this.#map(value)]));
    const [file, ...args] = command.map((word) => this.#map(word));
    const env = {
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
      FLEET_MACHINE: path.join(this.#place.root, 'machine.json'),
      ...own,
      ...this.#place.instance.environment,
      ...this.#place.environment,
      PATH: this.#programs,
    };
    const options = { cwd: this.#place.root, env, stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'] };
    return new StartedProcess(spawn(file!, args, { ...options, detached: true }));
  }

  #installPrograms(): void {
    const { root } = this.#place;
    for (const folder of ['programs', 'opt', 'usr/bin', 'etc/systemd/system', 'var/lib/fleet', 'var/log/fleet']) {
      mkdirSync(path.join(root, folder), { recursive: true });
    }
    writeFileSync(this.#callsFile, '');
    writeFileSync(path.join(root, 'etc/fstab'), '');
    symlinkSync(process.execPath, path.join(root, 'usr/bin/node-24'));
    for (const name of realPrograms.split(' ')) symlinkSync(findProgram(name), path.join(this.#programs, name));
    const write = (name: string, lines: string) => {
      const file = path.join(this.#programs, name);
      writeFileSync(file, `#!/bin/sh\n${lines}\n`);
      chmodSync(file, 0o755);
    };
    const record = (name: string) => `echo "${name} $*" >>'${this.#callsFile}'`;
    for (const name of silentPrograms.split(' ')) write(name, record(name));
    // A machine that has just started: no such user, nothing on the disk, nothing mounted.
    write('id', 'exit 1');
    write('blkid', 'exit 2');
    write('mountpoint', 'exit 1');
    write('install', `${record('install')}\nfor word; do case "$word" in /*) mkdir -p "$word" ;; esac; done`);
    const tools = path.join(repositoryRoot, 'test/support/programs/machine-tools.mjs');
    for (const name of spokenPrograms.split(' ')) write(name, `exec '${process.execPath}' '${tools}' ${name} "$@"`);
    const agent = path.join(root, 'opt/aws/amazon-cloudwatch-agent/bin');
    mkdirSync(agent, { recursive: true });
    symlinkSync(
      path.join(this.#programs, 'amazon-cloudwatch-agent-ctl'),
      path.join(agent, 'amazon-cloudwatch-agent-ctl'),
    );
    const description = {
      root,
      node: process.execPath,
      simulator: path.join(repositoryRoot, 'runtime/cli/main.ts'),
      calls: this.#callsFile,
      assets: Object.fromEntries(this.#machine.assets),
      mapping: this.#mapping,
    };
    writeFileSync(path.join(root, 'machine.json'), JSON.stringify(description));
  }
}

function findProgram(name: string): string {
  const folder = ['/bin', '/usr/bin', '/usr/local/bin', '/opt/homebrew/bin'].find((place) =>
    existsSync(path.join(place, name)),
  );
  if (folder === undefined) throw new Error(`${name} is in none of the folders of programs of this machine.`);
  return path.join(folder, name);
}
