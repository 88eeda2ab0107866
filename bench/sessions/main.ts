/**
 * `node bench/sessions/main.ts [--quick] [--only hop|crowd] [--streams N] [--runners N] [--postgres]`: what a router
 * adds to a message of a session, and what it carries of idle streams and heartbeats. Everything on loopback, the router
 * on a core of its own; ends by itself.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { StartedPostgres } from '../../test/support/started-postgres.ts';
import { pinThisProcess, planCores } from '../support/cores.ts';
import { measureCrowd } from './crowd.ts';
import { measureHop } from './hop.ts';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    streams: { type: 'string', default: '10000' },
    runners: { type: 'string', default: '2000' },
    postgres: { type: 'boolean', default: false },
  },
});
const cores = planCores();
if (cores) pinThisProcess(cores.others);
await using postgres = options.postgres ? await StartedPostgres.start() : undefined;
const folder = mkdtempSync(path.join(tmpdir(), 'bench-sessions-'));
console.log(`${cpus().length} x ${cpus()[0]?.model}, Node ${process.versions.node}`);
console.log(postgres ? 'Postgres' : 'embedded database');
try {
  if (options.only !== 'crowd') {
    console.log('\nfirst event of an answer, 50 sessions');
    const databaseUrl = await postgres?.createDatabase();
    const length = options.quick ? { rounds: 5, roundMs: 1_000 } : { rounds: 12, roundMs: 1_500 };
    for (const line of await measureHop({ cores, folder, databaseUrl, ...length })) console.log(line);
  }
  if (options.only !== 'hop') {
    console.log('\none router with idle streams and heartbeats');
    const databaseUrl = await postgres?.createDatabase();
    const [streams, runners] = [Number(options.streams), Number(options.runners)];
    const windowMs = options.quick ? 10_000 : 30_000;
    for (const line of await measureCrowd({ cores, folder, databaseUrl, streams, runners, windowMs }))
      console.log(line);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
