#!/usr/bin/env node
/**
 * `npm run test:real-engine -- VENV`: starts two real SGLang 0.5.23 servers on the CPU, with a tiny model and dummy
 * weights, and checks on them what test/engine-sim/contract checks on simulated engines: the engine's contract, and that
 * streams cut off half way go on through the router. VENV is made once with
 * `test/fixtures/real-sglang/start.sh --install VENV` (5 to 10 minutes, about 6 GB).
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const startDeadlineMs = 600_000;
const killAfterMs = 30_000;
const ports = [8311, 8312];
const here = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

const venv = process.argv[2];
if (venv === undefined) {
  console.error('usage: npm run test:real-engine -- VENV   (see test/fixtures/real-sglang/start.sh --install VENV)');
  process.exit(2);
}

const logFolder = here('.fleet/real-engine');
mkdirSync(logFolder, { recursive: true });

const engines = ports.map((port) => {
  const child = spawn('bash', [here('test/fixtures/real-sglang/start.sh'), venv, String(port)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log = createWriteStream(`${logFolder}/${port}.log`);
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  return { child, port, url: `http://127.0.0.1:${port}` };
});

let status = 1;
try {
  const deadline = Date.now() + startDeadlineMs;
  for (const engine of engines) await untilHealthy(engine, deadline);
  // One after the other: the last test of the contract ends the second engine.
  for (const suite of ['continued-streams', 'engine-contract']) {
    status = await runSuite(`test/engine-sim/contract/${suite}.test.ts`);
    if (status !== 0) break;
  }
} finally {
  await Promise.all(engines.map(end));
}
process.exit(status ?? 1);

async function runSuite(file) {
  const jest = spawn('npm', ['run', 'test:unit', '--', file], {
    cwd: here(''),
    stdio: 'inherit',
    env: {
      ...process.env,
      REAL_ENGINE_URLS: engines.map(({ url }) => url).join(','),
      REAL_ENGINE_PID: String(engines[1].child.pid),
    },
  });
  const [status] = await once(jest, 'exit');
  return status ?? 1;
}

async function untilHealthy({ child, url }, deadline) {
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`${url} exited with ${child.exitCode} while it started`);
    const answer = await fetch(`${url}/health`).catch(() => undefined);
    if (answer?.status === 200) return;
    await delay(1_000);
  }
  throw new Error(`${url} was not healthy in time`);
}

/** SIGTERM to the parent only, which drains; SIGKILL when it does not come to an end. */
async function end({ child }) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  await exited;
  clearTimeout(timer);
}
