/**
 * `node bench/sessions/main.ts [--quick] [--only hop|crowd] [--streams N] [--runners N] [--database-url URL]`: what a router
 * adds to a message of a session, and what it carries of idle streams and heartbeats. Everything on loopback, the router
 * on a core of its own; ends by itself.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { pinThisProcess, planCores } from '../support/cores.ts';
import { measureCrowd } from './crowd.ts';
import { measureHop } from './hop.ts';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    streams: { type: 'string', default: '10000' },
    runners: { type: 'string', default: '2000' },
    'database-url': { type: 'string' },
  },
});
const cores = planCores();
if (cores) pinThisProcess(cores.others);
const folder = mkdtempSync(path.join(tmpdir(), 'bench-sessions-'));
const databaseUrl = options['database-url'];
console.log(`${cpus().length} x ${cpus()[0]?.model}, Node ${process.versions.node}`);
console.log(databaseUrl === undefined ? 'embedded database' : 'Postgres');
try {
  if (options.only !== 'crowd') {
    console.log('\nfirst event of an answer, 50 sessions');
    const length = options.quick ? { rounds: 2, roundMs: 2_000 } : { rounds: 5, roundMs: 4_000 };
    for (const line of await measureHop({ cores, folder, databaseUrl, ...length })) console.log(line);
  }
  if (options.only !== 'hop') {
    console.log('\none router with idle streams and heartbeats');
    const [streams, runners] = [Number(options.streams), Number(options.runners)];
    const windowMs = options.quick ? 10_000 : 30_000;
    for (const line of await measureCrowd({ cores, folder, databaseUrl, streams, runners, windowMs }))
      console.log(line);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
