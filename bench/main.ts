/**
 * `npm run bench [-- NAME ...] [-- --full]`: the benchmarks one after another, short forms unless `--full`. Each prints
 * ratios of one run, against the peers that bench/peers/install.sh has installed.
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { parseArgs } from 'node:util';

interface Benchmark {
  readonly file: string;
  readonly quick: readonly string[];
  readonly about: string;
}

const benchmarks: Readonly<Record<string, Benchmark>> = {
  cost: { file: 'cost/main.ts', quick: ['--quick'], about: 'CPU, latency and memory of a router beside its peers' },
  faults: { file: 'faults/main.ts', quick: ['--quick'], about: 'what clients see when workers fail' },
  'routing-offline': { file: 'routing/offline-main.ts', quick: [], about: 'first-token times by policy, without HTTP' },
  routing: { file: 'routing/main.ts', quick: ['--quick'], about: 'first-token times by router, over HTTP' },
  sessions: {
    file: 'sessions/main.ts',
    quick: ['--quick'],
    about: 'what sessions cost a router, and how many it carries',
  },
  soak: { file: 'soak/main.ts', quick: ['1'], about: 'memory and counters under random faults' },
  sim: { file: 'sim/main.ts', quick: [], about: 'an hour of trace on simulated engines' },
  'metrics-cost': { file: 'metrics-cost/main.ts', quick: [], about: 'what the metrics of a worker cost a month' },
  'monitor-cost': {
    file: 'monitor-cost/main.ts',
    quick: ['--quick'],
    about: 'CPU and memory of runner and log monitor on a worker',
  },
  'log-parser': { file: 'log-parser/main.ts', quick: [], about: 'log lines per second' },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { full: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
});
const names = positionals.length > 0 ? positionals : Object.keys(benchmarks);
const unknown = names.filter((name) => !(name in benchmarks));
if (values.help || unknown.length > 0) {
  for (const name of unknown) console.error(`There is no benchmark ${name}.`);
  console.log('npm run bench [-- NAME ...] [-- --full]');
  for (const [name, { about }] of Object.entries(benchmarks)) console.log(`  ${name.padEnd(16)}${about}`);
  process.exit(unknown.length > 0 ? 2 : 0);
}

const failed = names.filter((name) => {
  const { file, quick, about } = benchmarks[name]!;
  console.log(`\n== ${name}: ${about}`);
  const args = [path.join(import.meta.dirname, file), ...(values.full ? [] : quick)];
  return spawnSync(process.execPath, args, { stdio: 'inherit' }).status !== 0;
});
if (failed.length > 0) console.error(`\nnot finished: ${failed.join(', ')}`);
process.exit(failed.length > 0 ? 1 : 0);
