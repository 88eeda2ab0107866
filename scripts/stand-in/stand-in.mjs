// The stand-in of AWS for the rehearsal: moto from PyPI, started by moto_server.py, which mends what moto lacks.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { run, say } from './commands.mjs';

const motoVersion = '5.2.5';
const motoExtras = 'server,autoscaling,cloudformation,cloudwatch,ec2,elbv2,iam,logs,rds,s3,secretsmanager,sns,ssm,sts';
const startSeconds = 60;

/** A virtual environment in `folder`, made once. @returns its Python */
async function installMoto(folder) {
  const home = path.join(folder, `moto-${motoVersion}`);
  const python = path.join(home, 'bin/python');
  const mark = path.join(home, 'complete');
  if (!existsSync(mark)) {
    say('Installing moto from PyPI, the first time only');
    rmSync(home, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    await run('python3', ['-m', 'venv', home]);
    // Most of it is never imported: to compile it all would take longer than to fetch it.
    const briefly = ['--quiet', '--disable-pip-version-check', '--no-compile'];
    await run(python, ['-m', 'pip', 'install', ...briefly, `moto[${motoExtras}]==${motoVersion}`]);
    writeFileSync(mark, '');
  }
  return python;
}

export class StandIn {
  /** Installs moto below `folder` when it is not there, and starts it. Its log is in `folder`. */
  static async start(folder) {
    const python = await installMoto(folder);
    const port = await freePort();
    say(`Starting moto ${motoVersion} on port ${port}`);
    const standIn = new StandIn(python, port, path.join(folder, 'moto.log'));
    try {
      await standIn.#answers();
    } catch (error) {
      await standIn.close();
      throw error;
    }
    return standIn;
  }

  #child;
  #log;

  constructor(python, port, log) {
    // The CDK treats this name specially; 127.0.0.1 does not work.
    this.url = `http://localhost:${port}`;
    this.#log = log;
    const program = path.join(import.meta.dirname, 'moto_server.py');
    const output = openSync(log, 'w');
    this.#child = spawn(python, [program, '-H', '127.0.0.1', '-p', String(port)], {
      // It ends with its input, and so with this process, however that ends.
      stdio: ['pipe', output, output],
    });
    closeSync(output);
  }

  /** Each resource of each stack that there was, with whether it is there, and the machines that run. */
  async look() {
    const response = await fetch(`${this.url}/stand-in/resources`);
    if (!response.ok) throw new Error(`The stand-in does not say what it has (${response.status}); see ${this.#log}`);
    return await response.json();
  }

  /** Types of resources that it took without making anything. */
  skippedTypes() {
    const lines = readFileSync(this.#log, 'utf8').matchAll(/No Moto CloudFormation support for (AWS::\S+)/g);
    return [...new Set([...lines].map(([, type]) => type))].sort();
  }

  async close() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 10_000);
    await exit;
    clearTimeout(timer);
  }

  async #answers() {
    const deadline = Date.now() + 1_000 * startSeconds;
    for (;;) {
      const response = await fetch(`${this.url}/moto-api/`).catch(() => undefined);
      if (response?.ok) return;
      if (this.#child.exitCode !== null) throw new Error(`moto ended with ${this.#child.exitCode}; see ${this.#log}`);
      if (Date.now() > deadline) throw new Error(`moto does not answer; see ${this.#log}`);
      await delay(100);
    }
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
